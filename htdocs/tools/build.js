// Builds the JavaScript of both pages, the player (htdocs/js/) and the status page (status/js/): compiles src/, and puts
// the libraries of others beside it, each as one module with its licence. What it writes depends on nothing but the
// sources and package-lock.json.
//
//   node tools/build.js [DIRECTORY]     (the checkout, unless told otherwise)

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const top = resolve(process.argv[2] ?? join(root, ".."));
const out = join(top, "htdocs/js");
const statusOut = join(top, "status/js");
const require = createRequire(import.meta.url);

for (const directory of [out, statusOut]) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, "vendor"), { recursive: true });
}

try {
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", root, "--outDir", out], {
    stdio: "inherit",
  });
} catch {
  process.exit(1); // the compiler has said why
}

const modules = join(root, "node_modules");
await bundle("uplot", {
  minify: true,
  notice: `uPlot ${versionOf("uplot")}, MIT licence: uplot.LICENSE.txt`,
});
// Stays readable: its licence asks for the source of what is passed on, and this is it.
await bundle("mse-audio-wrapper", {
  minify: false,
  notice:
    `mse-audio-wrapper ${versionOf("mse-audio-wrapper")} and codec-parser ${versionOf("codec-parser")}, ` +
    "Copyright 2020-2023 Ethan Halsall, unchanged and in one module; " +
    "LGPL-3.0-or-later: mse-audio-wrapper.LICENSE.txt, GPL-3.txt",
});

copyFileSync(join(modules, "uplot/dist/uPlot.min.css"), join(out, "vendor/uplot.css"));
copyFileSync(join(modules, "uplot/LICENSE"), join(out, "vendor/uplot.LICENSE.txt"));
copyFileSync(join(modules, "mse-audio-wrapper/LICENSE"), join(out, "vendor/mse-audio-wrapper.LICENSE.txt"));
copyFileSync(join(root, "licenses/GPL-3.txt"), join(out, "vendor/GPL-3.txt"));

// The status page is served elsewhere: it has its own modules, and copies of those that it shares with the player.
renameSync(join(out, "status_page"), join(statusOut, "status_page"));
for (const name of readdirSync(join(statusOut, "status_page"))) {
  if (name.endsWith(".d.ts")) {
    rmSync(join(statusOut, "status_page", name)); // it is no library
  }
}
for (const name of ["clock.js", "plot.js", "vendor/uplot.js", "vendor/uplot.css", "vendor/uplot.LICENSE.txt"]) {
  copyFileSync(join(out, name), join(statusOut, name));
}

function versionOf(name) {
  return JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")).version;
}

async function bundle(name, { minify, notice }) {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: `export { default } from "${name}";`, resolveDir: root },
    bundle: true,
    format: "esm",
    target: "es2022",
    minify,
    legalComments: "none", // the notice names them all
    charset: "utf8",
    write: false,
  });
  const [{ text }] = outputFiles;
  writeFileSync(join(out, `vendor/${name}.js`), `/* ${notice} */\n${text}`);
}
