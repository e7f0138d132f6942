/**
 * Where a track's URI may lead a reader of the page. Pure; used by `ui`.
 *
 * A URI comes from whoever runs the source, and files carry theirs in from anywhere: only addresses of the web
 * become links, so that no `javascript:` and no `file:` ever stands in one.
 */

const spotify = /^spotify:(track|episode|album|artist|playlist|show):([0-9A-Za-z]+)$/;

/** The address to link to, or `null` when there is none that is safe. */
export function trackLink(uri: string): string | null {
  const [, kind, id] = spotify.exec(uri) ?? [];
  if (kind !== undefined && id !== undefined) {
    return `https://open.spotify.com/${kind}/${id}`;
  }
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    return null;
  }
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
}
