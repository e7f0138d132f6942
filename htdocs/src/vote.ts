/**
 * Whether the listener has voted to skip the track, as far as a page can know: pure functions, used by `main`. The
 * server tells how many votes there are, and not whose.
 */

import type { Metadata, Track } from "./api.js";

export interface Vote {
  cast: boolean;
  /** The server has counted votes since: if it then counts none, ours is gone too. */
  counted: boolean;
}

export const noVote: Vote = { cast: false, counted: false };
export const castVote: Vote = { cast: true, counted: false };

/** What remains of a vote when the server says `after`, and said `before`. */
export function voteAfter(vote: Vote, before: Metadata | null, after: Metadata): Vote {
  if (!vote.cast || (before !== null && !sameTrack(before.track, after.track))) {
    return noVote;
  }
  if (after.vetoCount > 0) {
    return { cast: true, counted: true };
  }
  // The same track has begun again. A message from before the vote, though, has no votes either.
  return vote.counted ? noVote : vote;
}

export function sameTrack(one: Track | null, other: Track | null): boolean {
  return one === other || (one !== null && other !== null && one.uri === other.uri && one.name === other.name);
}
