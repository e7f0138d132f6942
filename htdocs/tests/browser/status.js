// The status page: it fills, says what is missing, and comes back.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test, { after, before } from "node:test";
import { get } from "node:http";
import { until } from "../support/processes.js";
import { Server, freePort } from "../support/server.js";
import { launch, openPage } from "./chromium.js";

let browser;
let server;
let status;
const listeners = [];

before(async () => {
  browser = await launch();
  const port = await freePort();
  status = `http://127.0.0.1:${port}/`;
  server = await Server.start("--status_listen", `127.0.0.1:${port}`, "--source", "eradio-source-demo --track-seconds 300");
  for (let i = 0; i < 5; i++) {
    listeners.push(get(`${server.url}stream.mp3`, (answer) => answer.resume()).on("error", () => {}));
  }
});

after(async () => {
  listeners.forEach((listener) => listener.destroy());
  await browser?.close();
  await server?.stop();
});

const text = (page, selector) => page.evaluate((what) => document.querySelector(what)?.textContent?.trim() ?? "", selector);
const json = async () => (await fetch(`${status}status`)).json();

/** How many pixels of a graph are in a line's colour. */
const drawn = (page, id, colour) =>
  page.evaluate(
    ([graph, variable]) => {
      const canvas = document.querySelector(`#${graph}-graph canvas`);
      const context = (width, height) =>
        Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
      const probe = context(canvas.width, canvas.height);
      probe.drawImage(canvas, 0, 0);
      const wanted = context(1, 1);
      wanted.fillStyle = getComputedStyle(canvas).getPropertyValue(variable).trim();
      wanted.fillRect(0, 0, 1, 1);
      const [red, green, blue] = wanted.getImageData(0, 0, 1, 1).data;
      const { data } = probe.getImageData(0, 0, canvas.width, canvas.height);
      let pixels = 0;
      for (let at = 0; at < data.length; at += 4) {
        pixels += data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255 ? 1 : 0;
      }
      return pixels;
    },
    [id, colour],
  );

test("numbers and graphs fill, from this server alone", async (t) => {
  const page = await openPage(t, browser, status);
  await until("that it runs", async () => (await text(page, "#state")) === "Running");
  await until("five listeners", async () => (await text(page, "#listeners")) === "5");
  await until("bytes", async () => /KB\/s$/.test(await text(page, "#bytes")));
  for (const [id, colour] of [["listeners", "--line-1"], ["bytes", "--line-2"], ["ages", "--line-1"], ["skips", "--line-3"]]) {
    await until(`a line in the graph of ${id}`, async () => (await drawn(page, id, colour)) > 5);
  }
  assert.equal(await page.locator("#workers tbody tr").count(), 2);
  await until("the slowest listeners", async () => (await page.locator("#slowest tbody tr").count()) === 5);
  assert.match(await text(page, "#track"), /eradio demo/);
  assert.deepEqual(page.complaints, []);
  assert.deepEqual(page.requests.filter((url) => !url.startsWith(status)), []);
});

test("a killed worker is seen, and nobody is lost", async (t) => {
  const page = await openPage(t, browser, status);
  await until("that it runs", async () => (await text(page, "#state")) === "Running");
  const { workers } = await json();
  process.kill(workers[1].pid, "SIGKILL");
  await until("another process in its slot", async () => {
    const row = await page.locator("#workers tbody tr").nth(1).locator("th, td").allTextContents();
    return row[1] === "serving" && row[5] !== String(workers[1].pid) && row[7] === "1" && row[8] === "1";
  });
  await until("five listeners", async () => (await text(page, "#listeners")) === "5");
});

test("a source that stands still is seen: nobody gets what he comes for", async (t) => {
  const page = await openPage(t, browser, status);
  await until("that it runs", async () => (await text(page, "#state")) === "Running");
  const { source } = await json();
  process.kill(source.pid, "SIGSTOP");
  t.after(() => process.kill(source.pid, "SIGCONT"));
  await until("that it is not ready", async () => (await text(page, "#state")) === "Not ready", 20_000);
  assert.equal((await fetch(`${status}readyz`)).status, 503);
  assert.match(await text(page, "#problem"), /^Listeners do not get what they come for: the source has not sent a frame for \d+ s\.$/);
  assert.equal(await page.locator("#problem").isVisible(), true);
  assert.equal(await page.evaluate(() => document.body.dataset["tone"]), "bad");
  assert.match(await text(page, "#source"), /^State\s*silent/);
  process.kill(source.pid, "SIGCONT");
  await until("that it runs", async () => (await text(page, "#state")) === "Running");
  assert.equal(await page.locator("#problem").isVisible(), false);
});

test("the values where somebody points are shown, and no more when he does not", async (t) => {
  const page = await openPage(t, browser, status);
  await until("a line", async () => (await drawn(page, "ages", "--line-1")) > 5);
  const graph = page.locator("#ages-graph .u-over");
  const { width, height } = await graph.boundingBox();
  await graph.hover({ position: { x: width - 2, y: height / 2 } });
  const reading = /^p99 [\d.]+ m?s *p90 [\d.]+ m?s *p50 [\d.]+ m?s *(now|\d+ s ago)$/;
  await until("a reading", async () => reading.test(await text(page, "#ages-legend")));
  await page.locator("#bytes-graph .u-over").hover({ position: { x: width - 2, y: height / 2 } });
  await until("another", async () => /^bytes sent [\d.]+ KB\/s *(now|\d+ s ago)$/.test(await text(page, "#bytes-legend")));
  await page.locator("h1").hover();
  await until("names alone", async () => (await text(page, "#ages-legend")) === "p99p90p50" && (await text(page, "#bytes-legend")) === "");
});

test("no table is wider than its room, however long an id or an address, and what matters is seen", async (t) => {
  const page = await openPage(t, browser, status);
  await until("the slowest listeners", async () => (await page.locator("#slowest tbody tr").count()) === 5);
  for (const [width, seen] of [[1366, 8], [1280, 8], [800, 4], [360, 3]]) {
    await page.setViewportSize({ width, height: 800 });
    const tables = await page.evaluate(() => {
      const greatest = ["9223372036854775807", "1.25 s", "123,456", "2a02:8109:9ac0:1c4d:d1ab:cdef:89ab:cdef"];
      const [row] = document.querySelectorAll("#slowest tbody tr");
      greatest.forEach((content, column) => (row.children[column].textContent = content));
      return [...document.querySelectorAll(".scroll")].map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    });
    assert.deepEqual(tables, [0, 0], `at ${width} px`);
    const shown = await page.locator("#slowest thead th").filter({ visible: true }).allTextContents();
    assert.deepEqual(shown.slice(0, 3), ["Id", "Lag", "Skipped"]);
    assert.equal(shown.length, seen, `at ${width} px`);
  }
});

test("a thousand listeners make no card taller than one", async (t) => {
  const page = await openPage(t, browser, status, { viewport: { width: 1280, height: 800 } });
  await until("five listeners", async () => (await text(page, "#listeners")) === "5");
  const heights = await page.evaluate(() => {
    const [card] = document.querySelectorAll("article");
    const few = card.clientHeight;
    document.querySelector("#listeners").textContent = "12,345";
    document.querySelector("#connections").textContent = "15,432 connections, 12,345 get news";
    const caption = document.querySelector(".figure");
    return { few, many: card.clientHeight, cut: caption.scrollWidth - caption.clientWidth };
  });
  assert.equal(heights.many, heights.few);
  assert.ok(heights.cut <= 0, "its caption is cut");
});

test("a server that does not answer is told from one that does, and comes back", async (t) => {
  const page = await openPage(t, browser, status);
  await until("that it runs", async () => (await text(page, "#state")) === "Running");
  await server.stop();
  await until("that it does not answer", async () => (await text(page, "#state")) === "No answer");
  assert.match(await text(page, "#problem"), /^The server does not answer: .* goes on asking\.$/);
  await server.start();
  await until("that it runs", async () => (await text(page, "#state")) === "Running");
  assert.equal(await page.locator("#problem").isVisible(), false);
});

test("a hidden tab asks nothing", async (t) => {
  const page = await openPage(t, browser, status);
  await until("that it runs", async () => (await text(page, "#state")) === "Running");
  const hide = (hidden) =>
    page.evaluate((is) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await new Promise((resolve) => setTimeout(resolve, 300)); // what was under way
  const asked = page.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal(page.requests.length, asked);
  await hide(false);
  await until("that it asks again", () => page.requests.length > asked + 2);
});

test("axe finds nothing that would keep anybody out, in light and dark, wide and narrow", async (t) => {
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
    const page = await openPage(t, browser, status, { colorScheme, viewport: { width, height: 800 } });
    await until("that it runs", async () => (await text(page, "#state")) === "Running");
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`), []);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${width} px: wider than the window by ${overflow}`);
  }
});
