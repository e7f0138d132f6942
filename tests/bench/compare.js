// node compare.js BEFORE.json NOW.json [RATIO_MAX]: two results of eradio-bench-hot-parts side by
// side; exit status 1 when something takes more than RATIO_MAX (1.25) times as long as before.
"use strict";

const { readFileSync } = require("node:fs");

const [before, now] = process.argv.slice(2, 4).map((file) => {
  const times = new Map();
  for (const { name, run_type, cpu_time, time_unit } of JSON.parse(readFileSync(file, "utf8")).benchmarks) {
    if (run_type === "iteration") {
      times.set(name, [...(times.get(name) ?? []), [cpu_time, time_unit]]);
    }
  }
  // The least of several is the one that was disturbed least.
  return new Map([...times].map(([name, all]) => [name, all.sort(([a], [b]) => a - b)[0]]));
});
const ratioMax = Number(process.argv[4] ?? 1.25);

let slower = false;
for (const [name, [time, unit]] of now) {
  const ratio = before.has(name) ? time / before.get(name)[0] : NaN;
  slower ||= ratio > ratioMax;
  const was = before.has(name) ? before.get(name)[0].toFixed(1) : "-";
  const mark = ratio > ratioMax ? "  SLOWER" : "";
  console.log(`${name.padEnd(32)} ${was.padStart(12)} ${time.toFixed(1).padStart(12)} ${unit}  ${ratio.toFixed(2)}${mark}`);
}
process.exitCode = slower ? 1 : 0;
