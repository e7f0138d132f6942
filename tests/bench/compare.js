// node compare.js BEFORE.json NOW.json [RATIO_MAX]: two results of eradio-bench-hot-parts side by
// side; exit status 1 when something takes more than RATIO_MAX (1.25) times as long as before, or is
// not measured any more.
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

let failed = false;
for (const [name, [time, unit]] of now) {
  const [was, wasUnit] = before.get(name) ?? [];
  if (was !== undefined && wasUnit !== unit) {
    throw new Error(`${name} was measured in ${wasUnit}, and is in ${unit}`);
  }
  const ratio = was === undefined ? undefined : time / was;
  const slower = ratio !== undefined && !(ratio <= ratioMax);
  failed ||= slower;
  const columns = [was?.toFixed(1) ?? "-", time.toFixed(1)].map((column) => column.padStart(12));
  const verdict = ratio === undefined ? "new" : ratio.toFixed(2) + (slower ? "  SLOWER" : "");
  console.log(`${name.padEnd(32)} ${columns.join(" ")} ${unit}  ${verdict}`);
}
for (const name of before.keys()) {
  if (!now.has(name)) {
    failed = true;
    console.log(`${name.padEnd(32)} NOT MEASURED any more`);
  }
}
process.exitCode = failed ? 1 : 0;
