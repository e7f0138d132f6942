// One after the other: each measures time, and they share the machine's processors.

import { installedTree } from "../support/server.js";
import { chromiumPath } from "./chromium.js";

try {
  await Promise.all([installedTree(), chromiumPath()]);
} catch (error) {
  console.error(error.message); // once, and not for each test
  process.exit(1);
}

await import("./plays.js");
await import("./changes.js");
await import("./trouble.js");
await import("./others.js");
await import("./status.js");
