import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "../../js/api.js";
import { Ballot, sameTrack } from "../../js/vote.js";
import { FakeClock, playing, settle, stopped } from "./fakes.js";

const other = { ...playing, track: { uri: "u2", name: "n2" } };
const voted = { ...playing, vetoCount: 1 };
const noAnswer = new ApiError(0, "The server cannot be reached");
const noStream = new ApiError(404, "No stream with this id is open");
const notNow = new ApiError(503, "The vote could not be judged");

/** The ballot of somebody who hears `news`. `answers`: what the server says to each vote, true or an error; else true. */
function ballotOf({ answers = [], news = playing } = {}) {
  const clock = new FakeClock();
  const seen = { puts: 0 };
  const ballot = new Ballot({
    put: async () => {
      const answer = answers[seen.puts++] ?? true;
      if (answer instanceof Promise) {
        await answer;
      } else if (answer !== true) {
        throw answer;
      }
    },
    onChange: () => {},
    clock,
    random: () => 0.5,
  });
  ballot.playerIs("playing");
  if (news !== null) {
    ballot.received(news);
  }
  return { ballot, clock, seen };
}

for (const [story, heard, isCast] of [
  ["the server counts it", [voted], true],
  ["a message from before the vote does not take it back", [playing], true],
  ["another track, another vote", [other], false],
  ["a vote counted is gone with its track", [voted, other], false],
  ["the same track again has no votes", [voted, playing], false],
  ["a stop takes votes along", [stopped], false],
]) {
  test(story, async () => {
    const { ballot, seen } = ballotOf();
    assert.equal(ballot.isCast, false);
    await ballot.cast();
    assert.equal(ballot.isCast, true);
    heard.forEach((news) => ballot.received(news));
    assert.deepEqual([ballot.isCast, ballot.problem, seen.puts], [isCast, null, 1]);
  });
}

test("what others vote is not the listener's vote", () => {
  const { ballot } = ballotOf();
  ballot.received(voted);
  assert.equal(ballot.isCast, false);
});

test("a source that does not say what it plays can be voted on too", async () => {
  const { ballot } = ballotOf({ news: stopped });
  await ballot.cast();
  ballot.received(stopped);
  assert.equal(ballot.isCast, true);
});

test("the listener's own stop takes the vote back", async () => {
  const { ballot, seen } = ballotOf();
  await ballot.cast();
  ballot.playerIs("stopped");
  assert.equal(ballot.isCast, false);
  ballot.playerIs("playing");
  await settle();
  assert.equal(seen.puts, 1);
});

test("a vote that went with the stream is cast again with the next one, whatever is heard meanwhile", async () => {
  const { ballot, seen } = ballotOf();
  await ballot.cast();
  ballot.received(voted);
  ballot.playerIs("reconnecting");
  ballot.received(playing);
  assert.equal(ballot.isCast, true);
  ballot.playerIs("buffering");
  await settle();
  assert.equal(seen.puts, 1);
  ballot.playerIs("playing");
  await settle();
  assert.deepEqual([ballot.isCast, seen.puts], [true, 2]);
});

test("it waits for news of what plays, since a vote is for what plays when it arrives", async () => {
  for (const [news, isCast, puts] of [
    [playing, true, 2],
    [other, false, 1],
  ]) {
    const { ballot, seen } = ballotOf();
    await ballot.cast();
    ballot.playerIs("reconnecting");
    ballot.newsIsOld();
    ballot.playerIs("playing");
    await settle();
    assert.equal(seen.puts, 1);
    ballot.received(news);
    await settle();
    assert.deepEqual([ballot.isCast, seen.puts], [isCast, puts]);
  }
});

test("a vote that was counted for a stream that is gone by now is cast again", async () => {
  let answer;
  const { ballot, clock, seen } = ballotOf({ answers: [new Promise((resolve) => (answer = resolve))] });
  const cast = ballot.cast();
  ballot.playerIs("reconnecting");
  ballot.playerIs("playing");
  answer();
  await cast;
  await clock.advance(500);
  assert.deepEqual([ballot.isCast, seen.puts, clock.timers], [true, 2, 0]);
});

test("it is not cast again for another track, nor when the stream is not lost", async () => {
  const { ballot, seen } = ballotOf();
  await ballot.cast();
  ballot.playerIs("buffering");
  ballot.playerIs("playing");
  ballot.playerIs("reconnecting");
  ballot.received(other);
  ballot.playerIs("playing");
  await settle();
  assert.deepEqual([ballot.isCast, seen.puts], [false, 1]);
});

for (const lost of [noAnswer, noStream, notNow]) {
  test(`a vote that the server may not have got is cast again with the next stream: ${lost.message}`, async () => {
    const { ballot, clock, seen } = ballotOf({ answers: [lost] });
    await ballot.cast();
    assert.deepEqual([ballot.isCast, ballot.problem], [true, lost.message]);
    ballot.playerIs("reconnecting");
    await clock.advance(60_000);
    assert.equal(seen.puts, 1);
    ballot.playerIs("playing");
    await settle();
    assert.deepEqual([ballot.isCast, ballot.problem, seen.puts], [true, null, 2]);
  });

  test(`it is cast again after a while when the stream holds: ${lost.message}`, async () => {
    const { ballot, clock, seen } = ballotOf({ answers: [lost, lost] });
    await ballot.cast();
    ballot.received(voted); // somebody else's
    ballot.received(playing);
    assert.equal(ballot.isCast, true);
    await clock.advance(499);
    assert.equal(seen.puts, 1);
    await clock.advance(1);
    assert.deepEqual([seen.puts, ballot.problem], [2, lost.message]);
    await clock.advance(999);
    assert.equal(seen.puts, 2);
    await clock.advance(1);
    assert.deepEqual([ballot.isCast, ballot.problem, seen.puts, clock.timers], [true, null, 3, 0]);
  });
}

test("it waits as long as the server asks", async () => {
  const { ballot, clock, seen } = ballotOf({ answers: [new ApiError(503, "The server is full", 4)] });
  await ballot.cast();
  await clock.advance(5999);
  assert.equal(seen.puts, 1);
  await clock.advance(1);
  assert.equal(seen.puts, 2);
});

test("it waits for sound, since without the stream a vote counts nothing", async () => {
  const { ballot, clock, seen } = ballotOf({ answers: [noAnswer] });
  await ballot.cast();
  ballot.playerIs("buffering");
  await clock.advance(60_000);
  assert.equal(seen.puts, 1);
  ballot.playerIs("playing");
  await settle();
  assert.equal(seen.puts, 2);
});

test("an answer that is lost after the stream is back makes it vote once more", async () => {
  let fail;
  const answer = new Promise((_, reject) => (fail = reject));
  const { ballot, clock, seen } = ballotOf({ answers: [answer] });
  const cast = ballot.cast();
  ballot.playerIs("reconnecting");
  ballot.playerIs("playing");
  fail(noAnswer);
  await cast;
  await clock.advance(500);
  assert.deepEqual([ballot.isCast, seen.puts], [true, 2]);
});

for (const [story, end] of [
  ["the track", (ballot) => ballot.received(other)],
  ["listening", (ballot) => ballot.playerIs("stopped")],
]) {
  test(`an answer that comes after ${story} has ended changes nothing`, async () => {
    for (const fails of [false, true]) {
      let settleAnswer;
      const answer = new Promise((resolve, reject) => (settleAnswer = fails ? () => reject(noAnswer) : resolve));
      const { ballot, clock } = ballotOf({ answers: [answer] });
      const cast = ballot.cast();
      end(ballot);
      settleAnswer();
      await cast;
      assert.deepEqual([ballot.isCast, ballot.problem, clock.timers], [false, null, 0]);
    }
  });

  test(`nothing is tried again once ${story} has ended`, async () => {
    const { ballot, clock } = ballotOf({ answers: [noAnswer] });
    await ballot.cast();
    end(ballot);
    assert.deepEqual([ballot.isCast, ballot.problem, clock.timers], [false, null, 0]);
  });
}

for (const [status, problem] of [
  [409, null], // the track had just ended
  [400, "The server does not understand"],
  [501, "The server does not understand"],
]) {
  test(`a vote that the server refuses is not cast: ${status}`, async () => {
    const { ballot, clock } = ballotOf({ answers: [new ApiError(status, "The server does not understand")] });
    await ballot.cast();
    assert.deepEqual([ballot.isCast, ballot.problem, clock.timers], [false, problem, 0]);
    await ballot.cast();
    assert.deepEqual([ballot.isCast, ballot.problem], [true, null]);
  });
}

test("tracks are the same when address and name are", () => {
  assert.equal(sameTrack(null, null), true);
  assert.equal(sameTrack(null, playing.track), false);
  assert.equal(sameTrack({ ...playing.track }, playing.track), true);
  assert.equal(sameTrack({ uri: "u", name: "m" }, playing.track), false);
});
