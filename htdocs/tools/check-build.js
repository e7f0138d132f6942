// Says whether the JavaScript that is checked in is what the sources give, byte for byte; names what differs.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const checkedIn = resolve(root, "..");
const built = mkdtempSync(join(tmpdir(), "eradio-js-"));

try {
  execFileSync(process.execPath, [join(root, "tools/build.js"), built], { stdio: "inherit" });
  const names = ["htdocs/js", "status/js"].flatMap((below) =>
    [...new Set([...files(join(checkedIn, below)), ...files(join(built, below))])].sort().map((name) => join(below, name)),
  );
  const different = names.filter((name) => !same(join(checkedIn, name), join(built, name)));
  for (const name of different) {
    console.error(`${name} is not what the sources give`);
  }
  if (different.length > 0) {
    console.error("Run: npm run build");
    process.exitCode = 1;
  } else {
    console.log(`${names.length} files are what the sources give`);
  }
} catch {
  console.error("The build has failed");
  process.exitCode = 1;
} finally {
  rmSync(built, { recursive: true, force: true });
}

function files(directory) {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? files(path).map((below) => join(name, below)) : [name];
  });
}

function same(one, other) {
  try {
    return readFileSync(one).equals(readFileSync(other));
  } catch {
    return false; // only one of them is there
  }
}
