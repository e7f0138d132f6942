/**
 * Whether the listener has voted to skip the track, as far as a page can know: pure functions, used by `main`. The
 * server tells how many votes there are, and not whose.
 */
export const noVote = { cast: false, counted: false };
export const castVote = { cast: true, counted: false };
/** What remains of a vote when the server says `after`, and said `before`. */
export function voteAfter(vote, before, after) {
    if (!vote.cast || (before !== null && !sameTrack(before.track, after.track))) {
        return noVote;
    }
    if (after.vetoCount > 0) {
        return { cast: true, counted: true };
    }
    // The same track has begun again. A message from before the vote, though, has no votes either.
    return vote.counted ? noVote : vote;
}
export function sameTrack(one, other) {
    return one === other || (one !== null && other !== null && one.uri === other.uri && one.name === other.name);
}
