/**
 * Where a track's URI may lead a reader of the page. Pure; used by `ui`.
 *
 * A URI comes from whoever runs the source, and files carry theirs in from anywhere: only addresses of the web
 * become links, so that no `javascript:` and no `file:` ever stands in one.
 */
/** The address to link to, or `null` when there is none that is safe. */
export declare function trackLink(uri: string): string | null;
