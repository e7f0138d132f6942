import assert from "node:assert/strict";
import test from "node:test";
import { castVote, noVote, sameTrack, voteAfter } from "../../js/vote.js";
import { playing, stopped } from "./fakes.js";

const other = { ...playing, track: { uri: "u2", name: "n2" } };
const voted = { ...playing, vetoCount: 1 };

for (const [story, vote, before, after, expected] of [
  ["no vote stays none", noVote, playing, voted, noVote],
  ["the server counts it", castVote, playing, voted, { cast: true, counted: true }],
  ["a message from before the vote does not take it back", castVote, playing, playing, castVote],
  ["another track, another vote", castVote, playing, other, noVote],
  ["a vote counted is gone with its track", { cast: true, counted: true }, voted, other, noVote],
  ["the same track again has no votes", { cast: true, counted: true }, voted, playing, noVote],
  ["a source that does not say what it plays can be voted on too", castVote, stopped, stopped, castVote],
  ["a stop takes votes along", castVote, playing, stopped, noVote],
]) {
  test(story, () => {
    assert.deepEqual(voteAfter(vote, before, after), expected);
  });
}

test("tracks are the same when address and name are", () => {
  assert.equal(sameTrack(null, null), true);
  assert.equal(sameTrack(null, playing.track), false);
  assert.equal(sameTrack({ ...playing.track }, playing.track), true);
  assert.equal(sameTrack({ uri: "u", name: "m" }, playing.track), false);
});
