import assert from "node:assert/strict";
import test from "node:test";
import { control, heldHigh, heldLow, rates, target } from "../../js/latency.js";

const hold = { kind: "hold" };
const rate = (value) => ({ kind: "rate", rate: value });
const jump = { kind: "jump", ahead: target };
const usual = { rate: rates.normal, starved: false, started: true, sinceJumpMs: Infinity, canJump: true };

for (const [story, reading, expected] of [
  ["in the middle nothing is done", { ahead: 0.22 }, hold],
  ["at the lower end of the band nothing is done", { ahead: heldLow }, hold],
  ["at the upper end of the band nothing is done", { ahead: heldHigh }, hold],
  ["above the band it plays faster", { ahead: 0.31 }, rate(rates.faster)],
  ["it goes on faster until the middle", { ahead: 0.23, rate: rates.faster }, hold],
  ["in the middle it plays normally again", { ahead: 0.22, rate: rates.faster }, rate(rates.normal)],
  ["far above it plays faster still", { ahead: 0.6, rate: rates.faster }, rate(rates.fastest)],
  ["having been far above it stays at that rate down to the band", { ahead: 0.4, rate: rates.fastest }, hold],
  ["in the band the highest rate is left", { ahead: 0.29, rate: rates.fastest }, rate(rates.faster)],
  ["more than a second behind it jumps", { ahead: 1.01 }, jump],
  ["a second behind it does not", { ahead: 1 }, rate(rates.fastest)],
  ["right after a jump it waits for its effect", { ahead: 1.5, sinceJumpMs: 100, rate: rates.fastest }, hold],
  ["where it cannot jump it plays faster", { ahead: 1.5, canJump: false }, rate(rates.fastest)],
  ["what came while the browser got ready is left out", { ahead: 0.31, started: false, starved: true }, jump],
  ["once, so that a slow browser does begin", { ahead: 0.5, started: false, starved: true, sinceJumpMs: 5000 }, hold],
  ["nearly dry it plays slower", { ahead: 0.09 }, rate(rates.slower)],
  ["it goes on slower until the band", { ahead: 0.14, rate: rates.slower }, hold],
  ["in the band it plays normally again", { ahead: 0.15, rate: rates.slower }, rate(rates.normal)],
  ["below the band, though not scarce, nothing is done", { ahead: 0.12 }, hold],
  ["starved, it waits at the normal rate", { ahead: 0.05, starved: true, rate: rates.slower }, rate(rates.normal)],
  ["starved and with too little, it waits", { ahead: 0.1, starved: true }, hold],
  ["starved with enough, it goes on with the newest", { ahead: 0.25, starved: true }, jump],
  ["at the start the browser begins by itself", { ahead: 0.25, starved: true, started: false }, hold],
  ["played past the end counts as scarce", { ahead: -0.01 }, rate(rates.slower)],
]) {
  test(story, () => {
    assert.deepEqual(control({ ...usual, ...reading }), expected);
  });
}

// A listener: 26 ms frames arrive, the control decides, time passes.
function listen(ahead, seconds, hiccup = () => 0) {
  const step = 0.026;
  let playbackRate = rates.normal;
  let changes = 0;
  let jumps = 0;
  let sinceJumpMs = Infinity;
  for (let time = 0; time < seconds; time += step) {
    ahead += step - step * playbackRate + hiccup(time);
    sinceJumpMs += step * 1000;
    const action = control({ ...usual, ahead, rate: playbackRate, sinceJumpMs });
    if (action.kind === "rate") {
      playbackRate = action.rate;
      changes += 1;
    } else if (action.kind === "jump") {
      ahead = action.ahead;
      playbackRate = rates.normal;
      jumps += 1;
      sinceJumpMs = 0;
    }
  }
  return { ahead, changes, jumps, playbackRate };
}

test("from 0.9 s behind it is back in the band within 15 s, without a jump", () => {
  const { ahead, jumps, changes } = listen(0.9, 15);
  assert.ok(ahead >= heldLow && ahead <= heldHigh, `${ahead} s`);
  assert.equal(jumps, 0);
  assert.ok(changes <= 4, `${changes} changes of the rate`);
});

test("a clock that is 0.1 % off costs a change of the rate in a minute or so, and no jump", () => {
  const { ahead, jumps, changes } = listen(0.22, 600, () => 0.000026);
  assert.ok(ahead >= heldLow - 0.05 && ahead <= heldHigh + 0.01, `${ahead} s`);
  assert.equal(jumps, 0);
  assert.ok(changes <= 20, `${changes} changes of the rate in ten minutes`);
});

test("jitter of 20 ms within the band changes nothing", () => {
  let sign = 1;
  const { changes } = listen(0.22, 60, () => (sign = -sign) * 0.02);
  assert.equal(changes, 0);
});
