/**
 * What the status server answers, as far as the page uses it; docs/status.md has every field. Types only.
 */
export {};
