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
export declare const noVote: Vote;
export declare const castVote: Vote;
/** What remains of a vote when the server says `after`, and said `before`. */
export declare function voteAfter(vote: Vote, before: Metadata | null, after: Metadata): Vote;
export declare function sameTrack(one: Track | null, other: Track | null): boolean;
