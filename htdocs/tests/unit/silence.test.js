import assert from "node:assert/strict";
import test from "node:test";
import { SilenceWatch, judgeSilence } from "../../js/silence.js";
import { FakeClock } from "./fakes.js";

const usual = { silentMs: 0, says: "unknown", sinceAskedMs: Infinity, asking: false, random: 0 };

for (const [story, silence, expected] of [
  ["while bytes come nothing is done", { silentMs: 30, says: "playing" }, "wait"],
  ["a hiccup is waited out", { silentMs: 1900, says: "playing" }, "wait"],
  ["silence while the source plays means a dead connection", { silentMs: 2000, says: "playing" }, "reconnect"],
  ["silence while the source is stopped is as it should be", { silentMs: 5000, says: "stopped", sinceAskedMs: 0 }, "quiet"],
  ["whoever does not know asks", { silentMs: 2000 }, "ask"],
  ["not all ask at the same instant", { silentMs: 3000, random: 0.9 }, "wait"],
  ["nobody waits for more than four seconds to ask", { silentMs: 4000, random: 0.99 }, "ask"],
  ["one question at a time", { silentMs: 9000, asking: true }, "wait"],
  ["a source that has stopped is asked after now and then", { silentMs: 40_000, says: "stopped", sinceAskedMs: 30_000 }, "ask"],
  ["after minutes of silence it joins again, whatever is said", { silentMs: 120_000, says: "stopped", sinceAskedMs: 0 }, "reconnect"],
  ["though not all in the same minute", { silentMs: 130_000, says: "stopped", sinceAskedMs: 0, random: 0.5 }, "quiet"],
]) {
  test(story, () => {
    assert.equal(judgeSilence({ ...usual, ...silence }), expected);
  });
}

function watch(answer) {
  const clock = new FakeClock();
  const dead = [];
  let asked = 0;
  const silence = new SilenceWatch({
    clock,
    random: () => 0,
    ask: async () => {
      asked += 1;
      return answer();
    },
    onDead: (error) => dead.push(error.message),
    onLook: () => {},
  });
  silence.begin();
  return { clock, dead, silence, asked: () => asked };
}

test("the server says that it plays, but nothing comes: the connection is dead", async () => {
  const { clock, dead } = watch(() => "playing");
  await clock.advance(2500);
  assert.deepEqual(dead, []); // it has asked, and gives the stream time from then on
  await clock.advance(3000);
  assert.match(dead[0], /Nothing has come for \d s/);
});

test("the server says that the source is stopped: all is quiet, and it asks again half a minute later", async () => {
  const { clock, dead, silence, asked } = watch(() => "stopped");
  await clock.advance(4000);
  assert.equal(silence.quiet, true);
  assert.equal(asked(), 1);
  await clock.advance(32_000);
  assert.equal(asked(), 2);
  assert.deepEqual(dead, []);
});

test("the server does not answer: the connection is dead", async () => {
  const { clock, dead } = watch(() => Promise.reject(new Error("no")));
  await clock.advance(3500);
  assert.deepEqual(dead, ["The server does not answer"]);
});

test("bytes end the quiet", async () => {
  const { clock, silence } = watch(() => "stopped");
  await clock.advance(4000);
  silence.serverSays("playing");
  silence.received();
  assert.equal(silence.quiet, false);
});

test("an answer that comes when the next connection has begun says nothing about that one", async () => {
  let fail;
  const { clock, dead, silence } = watch(() => new Promise((_, reject) => (fail = reject)));
  await clock.advance(2500);
  silence.begin();
  fail(new Error("late"));
  await clock.advance(100);
  assert.deepEqual(dead, []);
});

test("told that the source has stopped, it does not ask", async () => {
  const { clock, silence, asked } = watch(() => "stopped");
  silence.serverSays("stopped");
  assert.equal(silence.quiet, false, "the last bytes have only just come");
  await clock.advance(300);
  assert.equal(silence.quiet, true);
  await clock.advance(20_000);
  assert.equal(asked(), 0);
});
