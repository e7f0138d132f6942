// Processes that a test starts, and nothing of which is left when it ends.

import { spawn } from "node:child_process";
import { once } from "node:events";

const running = new Set();

// Whatever happens to the test, its processes do not outlive it.
process.on("exit", () => {
  for (const child of running) {
    child.kill("SIGKILL");
  }
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.exit(1));
}

/** A process whose output, both streams together, is kept in `output.text`. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
  const output = { text: "" };
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.once("error", () => running.delete(child));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => (output.text += text));
  }
  return { child, output };
}

/** Ends it as an operator would, and by force if that takes too long. */
export async function stop({ child }, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = once(child, "exit");
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), 8000);
  await ended;
  clearTimeout(force);
}

/** Waits for what `condition` gives to be true, and gives it back; `what` says what was waited for in vain. */
export async function until(what, condition, timeoutMs = 15_000) {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) {
      return value;
    }
    if (performance.now() > end) {
      throw new Error(`waited ${timeoutMs / 1000} s in vain: ${typeof what === "function" ? await what() : what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
