// Debian's Chromium, and what tests look at in a page.

import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { chromium } from "playwright-core";
import { until } from "../support/processes.js";

export async function chromiumPath() {
  const path = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  await access(path).catch(() => {
    throw new Error(`There is no ${path}: install the package chromium`);
  });
  return path;
}

export async function launch() {
  return chromium.launch({
    executablePath: await chromiumPath(),
    args: [
      "--no-sandbox", // it does not start as root otherwise
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-quic",
      "--no-first-run",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
}

/**
 * Opens the page at `url` in a profile of its own, until the test `t` ends. Whatever it complains about is in `complaints`; `requests` has the
 * addresses of all it asked for. `before` runs in the page before its own scripts.
 */
export async function openPage(t, browser, url, { before, ...options } = {}) {
  const context = await browser.newContext(options);
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.addInitScript(watch);
  if (before) {
    await page.addInitScript(before);
  }
  await page.goto(url);
  return Object.assign(page, { complaints, requests });
}

// Runs in the page: notes when things happen there, in milliseconds of the clock that all pages share.
function watch() {
  const now = () => performance.timeOrigin + performance.now();
  const seen = { joinedAt: null, events: [], texts: {} };
  Object.defineProperty(window, "seen", { value: seen });
  const { fetch } = window;
  window.fetch = async (input, init) => {
    if (String(input).includes("/stream.mp3")) {
      seen.joinedAt = now();
    }
    return fetch(input, init);
  };
  document.addEventListener("DOMContentLoaded", () => {
    const audio = document.querySelector("audio");
    for (const type of ["playing", "waiting", "seeking", "error"]) {
      audio?.addEventListener(type, () => seen.events.push({ type, at: now(), currentTime: audio.currentTime }));
    }
    document.querySelector("#play")?.addEventListener("click", () => seen.events.push({ type: "click", at: now() }), true);
    for (const id of ["track", "listeners", "votes", "status"]) {
      const element = document.getElementById(id);
      if (element !== null) {
        seen.texts[id] = [];
        const note = () => seen.texts[id].push({ text: element.textContent, at: now() });
        note();
        new MutationObserver(note).observe(element, { childList: true, characterData: true, subtree: true });
      }
    }
  });
}

/** What the page shows, and where its sound is. */
export function look(page) {
  return page.evaluate(() => {
    const text = (id) => document.getElementById(id)?.textContent?.trim() ?? "";
    const audio = document.querySelector("audio");
    const { buffered } = audio;
    const veto = document.querySelector("#veto");
    return {
      status: text("status"),
      track: text("track"),
      link: document.querySelector("#track a")?.getAttribute("href") ?? null,
      problem: document.querySelector("#problem").hidden ? "" : text("problem"),
      lag: Number.parseFloat(text("lag")),
      listeners: text("listeners"),
      votes: text("votes"),
      voted: veto.getAttribute("aria-pressed") === "true",
      mayVote: !veto.disabled,
      currentTime: audio.currentTime,
      ahead: buffered.length === 0 ? null : buffered.end(buffered.length - 1) - audio.currentTime,
      rate: audio.playbackRate,
      // Each second of sound takes a second to come, from the newest frame on that there was when the page asked for the
      // stream. So this needs nothing of what the player knows. It holds for the first connection.
      trueLag:
        window.seen.joinedAt === null
          ? null
          : (performance.timeOrigin + performance.now() - window.seen.joinedAt) / 1000 - audio.currentTime,
    };
  });
}

/** Waits for the page to show what `condition` wants. */
export async function shows(page, what, condition, timeoutMs) {
  let last;
  return until(
    () => `the page to show ${what}. It shows ${JSON.stringify(last)}. It complained: ${JSON.stringify(page.complaints)}`,
    async () => {
      last = await look(page);
      return condition(last) ? last : null;
    },
    timeoutMs,
  );
}

export async function play(page) {
  await page.click("#play");
  await shows(page, "that it plays", ({ status, currentTime }) => status === "Live" && currentTime > 0);
}

/**
 * For what measures time: a machine that is busy with other things can only make it worse, so that one good attempt
 * of three is enough.
 */
export async function onQuietMachine(attempt) {
  for (const left of [2, 1, 0]) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) {
        throw error;
      }
      console.log(`tried again, since the machine may have been busy: ${error.message}`);
    }
  }
}

/** Fails unless the sound goes on, and is heard soon after it came. */
export async function staysInStep(page, seconds, what) {
  const readings = [];
  const first = await look(page);
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    readings.push(await look(page));
  }
  const last = readings.at(-1);
  const heard = last.currentTime - first.currentTime;
  const took = (performance.now() - begin) / 1000;
  const percentiles = (values) => {
    const sorted = values.sort((a, b) => a - b);
    return [0.05, 0.5, 0.95, 1].map((part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]);
  };
  const shown = percentiles(readings.map(({ lag }) => (Number.isNaN(lag) ? Infinity : lag)));
  const real = percentiles(readings.map(({ trueLag }) => trueLag));
  const line = (values) => values.map((value) => value.toFixed(3)).join(", ");
  console.log(`${what}: heard ${heard.toFixed(2)} s in ${took.toFixed(2)} s; lag in s, 5th, 50th, 95th percentile and most: shown ${line(shown)}; measured ${line(real)}`);
  assert.ok(Math.abs(heard - took) < 0.5, `heard ${heard} s in ${took} s`);
  return { shown, real };
}
