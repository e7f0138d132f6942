// The decisions of the status page: what lies between two answers, what is kept, how numbers are read.

import assert from "node:assert/strict";
import test from "node:test";
import { cpuChartOptions } from "../../../status/js/status_page/charts.js";
import { problemsOf, sourceStateOf, stateOf } from "../../../status/js/status_page/condition.js";
import { History, pointBetween, quantileMs } from "../../../status/js/status_page/history.js";
import { Poller, parseListeners } from "../../../status/js/status_page/poller.js";
import { bytesText, durationText, millisecondsText } from "../../../status/js/status_page/text.js";

const classes = (...frames) => [1, 2, 5, null].map((up_to_ms, place) => ({ up_to_ms, frames: frames[place] ?? 0 }));

function status({ uptime = 10, skipped = 0, bytes = 0, ages = classes(), workers = [] } = {}) {
  return {
    pid: 1,
    uptime_s: uptime,
    totals: { listeners: 3, frames_skipped: skipped, bytes_sent: bytes, frame_age: { classes: ages } },
    workers: workers.map(({ generation = 1, cpu }, slot) => ({ slot, generation, cpu_user_s: cpu, cpu_system_s: cpu === null ? null : 0 })),
  };
}

test("a point is what happened between two answers, for each second", () => {
  const before = status({ skipped: 10, bytes: 1000, ages: classes(100, 0, 0), workers: [{ cpu: 1 }] });
  const after = status({ uptime: 12, skipped: 30, bytes: 5000, ages: classes(100, 100, 0), workers: [{ cpu: 1.5 }] });
  const point = pointBetween(before, after, 2, 77);
  assert.deepEqual(point, {
    at: 77,
    listeners: 3,
    ages: { p50: 1.5, p90: 1.9, p99: 1.99 },
    skipsPerSecond: 10,
    bytesPerSecond: 2000,
    cpu: [0.25],
  });
});

test("there are no ages where nothing was sent, and no processor time where the worker is another", () => {
  const point = pointBetween(status({ workers: [{ cpu: 9 }] }), status({ workers: [{ cpu: 0.1, generation: 2 }, { cpu: null }] }), 1, 0);
  assert.equal(point.ages, null);
  assert.deepEqual(point.cpu, [null, null]);
});

test("between two servers there is no point", () => {
  assert.equal(pointBetween(status({ uptime: 100, bytes: 5 }), status({ uptime: 1, bytes: 50 }), 1, 0), null);
  assert.equal(pointBetween(status({ bytes: 5 }), status({ bytes: 4 }), 1, 0), null);
});

test("a quantile lies where as many frames are below it, and says the last bound where there is none", () => {
  assert.equal(quantileMs(classes(), 0.5), null);
  assert.equal(quantileMs(classes(0, 0, 10), 0.5), 3.5);
  assert.equal(quantileMs(classes(10, 0, 10), 0.5), 1);
  assert.equal(quantileMs(classes(0, 0, 0, 1), 0.5), 5);
});

test("the history is bounded", () => {
  const history = new History(600);
  for (let at = 0; at < 5000; at++) {
    history.add({ at });
  }
  assert.equal(history.points.length, 601);
  assert.equal(history.points[0].at, 4399);
});

test("numbers are read as people read them", () => {
  assert.deepEqual([0, 999, 1234, 5_000_000, 2.5e9].map(bytesText), ["0 B", "999 B", "1.23 KB", "5 MB", "2.5 GB"]);
  assert.deepEqual([0.99, 250, 2500].map(millisecondsText), ["0.99 ms", "250 ms", "2.5 s"]);
  assert.deepEqual([0, 59.9, 60, 3700, 90000].map(durationText), ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
});

test("the longest ids keep all their digits", () => {
  const [listener] = parseListeners('{"listeners":[{"worker":0,"id":9223372036854775807,"peer":"::1"}],"next":null}');
  assert.equal(listener.id, "9223372036854775807");
});

/** A clock that runs when it is told to. */
function stoppedClock() {
  const timers = new Map();
  let time = 0;
  let made = 0;
  return {
    timers,
    now: () => time,
    setTimeout: (callback, delay) => (timers.set(++made, { callback, at: time + delay }), made),
    clearTimeout: (timer) => timers.delete(timer),
    async advance(ms) {
      time += ms;
      for (const [timer, { callback, at }] of [...timers]) {
        if (at <= time) {
          timers.delete(timer);
          callback();
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("the server is asked once a second, after failures too, and not at rest", async () => {
  const clock = stoppedClock();
  const seen = [];
  let works = true;
  let asked = 0;
  const poller = new Poller({
    clock,
    fetch: async (path) => {
      asked += path === "status" ? 1 : 0;
      return works ? new Response(path === "status" ? "{}" : '{"listeners":[]}') : new Response("", { status: 503 });
    },
    onAnswer: () => seen.push("answer"),
    onFailure: (reason) => seen.push(reason),
  });
  poller.wake();
  poller.wake();
  await clock.advance(0);
  assert.deepEqual(seen, ["answer"]);
  works = false;
  await clock.advance(999);
  assert.equal(asked, 1);
  await clock.advance(1);
  assert.deepEqual(seen, ["answer", "the server answers 503"]);
  works = true;
  await clock.advance(1000);
  assert.equal(seen.at(-1), "answer");
  poller.rest();
  await clock.advance(60_000);
  assert.equal(asked, 3);
  assert.equal(clock.timers.size, 0);
  poller.wake();
  await clock.advance(0);
  assert.equal(asked, 4);
});

const good = {
  ready: true,
  reasons: [],
  replacing_workers: false,
  upgrade_error: null,
  escrow: { on: true, clients_not_held: 0 },
  workers: [{ state: "serving" }, { state: "serving" }],
};

test("a server is not said to run while it is not ready", () => {
  assert.deepEqual(stateOf(good), { tone: "good", text: "Running" });
  assert.deepEqual(stateOf({ ...good, workers: [{ state: "starting" }, { state: "serving" }] }), { tone: "busy", text: "A worker is missing" });
  const silent = { ...good, ready: false, reasons: ["one", "another"] };
  assert.deepEqual(stateOf(silent), { tone: "bad", text: "Not ready" });
  assert.deepEqual(problemsOf(silent, good), ["Listeners do not get what they come for: one; another."]);
});

test("clients who would not outlive their worker are a problem, but not in the moment in which they come", () => {
  const some = { ...good, escrow: { on: true, clients_not_held: 1200 } };
  assert.deepEqual(problemsOf(good, good), []);
  assert.deepEqual(problemsOf(some, good), []);
  assert.match(problemsOf(some, some).join(), /^1,200 clients are disconnected if their worker ends now/);
  const off = { ...good, escrow: { on: false, clients_not_held: 1200 } };
  assert.deepEqual(problemsOf(off, off), [], "it was told to");
});

test("a source that sends nothing is silent, and not playing", () => {
  const source = { state: "running", playing: true, told_to_pause: false, last_frame_age_ms: 20 };
  assert.equal(sourceStateOf(source), "playing");
  assert.equal(sourceStateOf({ ...source, last_frame_age_ms: 11_000 }), "silent");
  assert.equal(sourceStateOf({ ...source, playing: false, told_to_pause: true }), "paused");
  assert.equal(sourceStateOf({ ...source, state: "ended" }), "ended");
});

test("sixteen workers can be told from each other", () => {
  const looks = cpuChartOptions(16).lines.map(({ colour, dashed }) => `${colour} ${dashed}`);
  assert.equal(new Set(looks).size, 16);
});
