import assert from "node:assert/strict";
import test from "node:test";
import { retryDelayMs } from "../../js/backoff.js";

const almostOne = 1 - 2 ** -53;

test("the bound of the wait doubles with each failure, up to half a minute", () => {
  for (const [attempt, bound] of [
    [0, 1000],
    [1, 2000],
    [2, 4000],
    [4, 16_000],
    [5, 30_000],
    [40, 30_000],
    [100_000, 30_000],
  ]) {
    assert.equal(retryDelayMs(attempt, 0), 0, `attempt ${attempt}`);
    assert.equal(Math.round(retryDelayMs(attempt, almostOne)), bound, `attempt ${attempt}`);
    assert.equal(retryDelayMs(attempt, 0.5), bound / 2, `attempt ${attempt}`);
  }
});

test("thousands that were cut off together come back spread over the whole second", () => {
  const perTenth = new Array(10).fill(0);
  for (let listener = 0; listener < 10_000; listener++) {
    perTenth[Math.floor(retryDelayMs(0, Math.random()) / 100)] += 1;
  }
  for (const count of perTenth) {
    assert.ok(count > 800 && count < 1200, `${count} of 10000 in a tenth of a second`);
  }
});

test("what the server asks for is waited for in any case, and as much again at random", () => {
  assert.equal(retryDelayMs(0, 0, 5), 5000);
  assert.equal(retryDelayMs(7, 0.5, 5), 7500);
  assert.equal(retryDelayMs(0, 0.5, 0), 500);
  assert.ok(retryDelayMs(0, almostOne, 1e9) <= 600_000, "but not for years");
});
