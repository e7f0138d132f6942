"use strict";

const assert = require("node:assert");
const { spawnSync } = require("node:child_process");
const { mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { test } = require("node:test");

// Times of each benchmark, in ns, a run each.
function compare(before, now) {
  const folder = mkdtempSync(join(tmpdir(), "eradio-compare-"));
  try {
    const files = [before, now].map((times, index) => {
      const benchmarks = Object.entries(times).flatMap(([name, runs]) =>
        runs.map((time) => ({ name, run_type: "iteration", cpu_time: time, time_unit: "ns" })),
      );
      const file = join(folder, `${index}.json`);
      writeFileSync(file, JSON.stringify({ benchmarks }));
      return file;
    });
    const { status, stdout } = spawnSync(process.execPath, [join(__dirname, "compare.js"), ...files], {
      encoding: "utf8",
    });
    return { status, stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("what takes as long as before is fine, by the run that was disturbed least", () => {
  const { status, stdout } = compare({ pass: [100, 300] }, { pass: [900, 110] });
  assert.strictEqual(status, 0);
  assert.match(stdout, /pass +100\.0 +110\.0 ns +1\.10$/m);
});

test("what takes a quarter longer fails", () => {
  const { status, stdout } = compare({ pass: [100], gate: [2] }, { pass: [126], gate: [2] });
  assert.strictEqual(status, 1);
  assert.match(stdout, /pass .*1\.26 +SLOWER$/m);
  assert.match(stdout, /gate .*1\.00$/m);
});

test("what is not measured any more fails, and what is new does not", () => {
  assert.strictEqual(compare({}, { pass: [1] }).status, 0);
  const { status, stdout } = compare({ pass: [1] }, {});
  assert.strictEqual(status, 1);
  assert.match(stdout, /pass +NOT MEASURED/);
});
