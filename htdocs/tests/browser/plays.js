// The page plays, soon and close to live, and asks for nothing that it does not need.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import test, { after, before } from "node:test";
import { Server } from "../support/server.js";
import { until } from "../support/processes.js";
import { launch, look, onQuietMachine, openPage, play, shows, staysInStep } from "./chromium.js";

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.start(); // with the demo source
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("nothing of the stream is fetched before play, and nothing from elsewhere ever", async (t) => {
  const page = await openPage(t, browser, server.url);
  await shows(page, "the track", ({ track }) => track.startsWith("eradio demo"));
  const paths = () => page.requests.map((url) => new URL(url).pathname);
  assert.ok(!paths().includes("/stream.mp3"), String(paths()));
  assert.equal((await look(page)).status, "Not listening");
  await play(page);
  assert.equal(paths().filter((path) => path === "/stream.mp3").length, 1);
  for (const url of page.requests) {
    assert.ok(url.startsWith(server.url) || url.startsWith("blob:") || url.startsWith("data:"), `${url} was asked for`);
  }
  assert.ok(!paths().some((path) => path.includes("mse-audio-wrapper")), "the wrapper is loaded where it is needed only");
  assert.deepEqual(page.complaints, []);
});

test("it starts within half a second", (t) =>
  onQuietMachine(async () => {
    const page = await openPage(t, browser, server.url);
    await play(page);
    const [click, playing] = await page.evaluate(() =>
      ["click", "playing"].map((wanted) => window.seen.events.find(({ type }) => type === wanted).at),
    );
    console.log(`started ${(playing - click).toFixed(0)} ms after the click`);
    assert.ok(playing - click < 500, `it took ${playing - click} ms`);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }));

test("it stays less than half a second behind for 20 s, and keeps no more than it needs", (t) =>
  onQuietMachine(async () => {
    const page = await openPage(t, browser, server.url);
    await play(page);
    const { shown, real } = await staysInStep(page, 20, "MP3");
    assert.ok(shown[2] < 0.5, `the page shows ${shown} s`);
    assert.ok(real[2] < 0.5, `it is ${real} s behind`);
    const { events } = await page.evaluate(() => window.seen);
    assert.deepEqual(events.filter(({ type }) => type === "error"), []);
    await until("what was heard long ago to be dropped", () =>
      page.evaluate(() => document.querySelector("audio").buffered.start(0) > 5),
    );
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }));

/** AAC, since Chromium takes MP3 in no MP4. */
const aac = "eradio-source-pipe -- ffmpeg -nostdin -v error -re -f lavfi -i sine=330 -ac 2 -c:a aac -b:a 96k -f adts -";

for (const [story, before] of [
  ["AAC is played as it is", () => {}],
  [
    "where the browser takes AAC in MP4 only, the wrapper puts it there",
    () => {
      const { isTypeSupported } = MediaSource;
      MediaSource.isTypeSupported = (type) => type !== "audio/aac" && isTypeSupported.call(MediaSource, type);
    },
  ],
]) {
  test(`${story}, and is in step`, async (t) => {
    const radio = await Server.start("--source", aac, "--content_type", "audio/aac");
    t.after(() => radio.stop());
    await onQuietMachine(async () => {
      const page = await openPage(t, browser, radio.url, { before });
      await play(page);
      const wrapped = page.requests.some((url) => url.endsWith("/js/vendor/mse-audio-wrapper.js"));
      assert.equal(wrapped, story.includes("wrapper"));
      const { shown, real } = await staysInStep(page, 8, wrapped ? "AAC, wrapped" : "AAC");
      assert.ok(shown[1] < 0.5, `the page shows ${shown} s`);
      assert.ok(real[2] < 0.5, `it is ${real} s behind`);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });
  });
}

test("a browser without media sources plays by its audio element", async (t) => {
  const page = await openPage(t, browser, server.url, {
    before: () => {
      delete window.MediaSource;
    },
  });
  await play(page);
  const { currentTime } = await look(page);
  await shows(page, "that the sound goes on", (now) => now.currentTime > currentTime + 2);
  await page.click("#play");
  await shows(page, "that it has stopped", ({ status, listeners }) => status === "Not listening" && listeners === "0");
});

test("stop leaves the stream; play joins it at its newest", async (t) => {
  const page = await openPage(t, browser, server.url);
  await play(page);
  await shows(page, "one listener", ({ listeners }) => listeners === "1");
  await page.click("#play");
  await shows(page, "no listener", ({ listeners, status }) => listeners === "0" && status === "Not listening");
  await play(page);
  await shows(page, "one listener", ({ listeners, lag }) => listeners === "1" && lag < 0.5);
});

test("the keyboard is enough", async (t) => {
  const page = await openPage(t, browser, server.url);
  await shows(page, "the track", ({ track }) => track.startsWith("eradio demo"));
  const focus = () => page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Tab");
  assert.equal(await focus(), "play");
  await page.keyboard.press("Enter");
  await shows(page, "that it plays", ({ status, mayVote }) => status === "Live" && mayVote);
  const order = [];
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press("Tab");
    order.push(await focus());
  }
  assert.deepEqual(order, ["veto", "mute", "volume"]);
  await page.keyboard.press("ArrowLeft");
  await until("the volume to fall", () => page.evaluate(() => document.querySelector("audio").volume === 0.95));
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Space");
  await until("silence", () => page.evaluate(() => document.querySelector("audio").muted));
  await page.focus("#play");
  await page.keyboard.press("Space");
  await shows(page, "that it has stopped", ({ status }) => status === "Not listening");
});

test("axe finds nothing that would keep anybody out, in light and dark, before and while it plays", async (t) => {
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  for (const colorScheme of ["light", "dark"]) {
    const page = await openPage(t, browser, server.url, { colorScheme, viewport: { width: 320, height: 640 } });
    await shows(page, "the track", ({ track }) => track.startsWith("eradio demo"));
    await page.click("summary");
    await page.evaluate(axe);
    const faults = () =>
      page.evaluate(async () => {
        const { violations } = await window.axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      });
    assert.deepEqual(await faults(), [], `${colorScheme}, not playing`);
    await play(page);
    assert.deepEqual(await faults(), [], `${colorScheme}, playing`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(wide, false, "nothing is wider than a narrow screen");
  }
});

test("id, volume and mute are remembered", async (t) => {
  const page = await openPage(t, browser, server.url);
  const streamIds = () =>
    page.requests.map((url) => new URL(url)).flatMap((url) => (url.pathname === "/stream.mp3" ? [url.searchParams.get("listener_id")] : []));
  await play(page);
  await page.fill("#volume", "40");
  await page.click("#mute");
  await until("silence", () => page.evaluate(() => document.querySelector("audio").muted));
  await page.reload();
  const audio = await page.evaluate(() => {
    const { volume, muted } = document.querySelector("audio");
    return { volume, muted, shown: document.querySelector("#volume").value };
  });
  assert.deepEqual(audio, { volume: 0.4, muted: true, shown: "40" });
  assert.equal(await page.getAttribute("#mute", "aria-pressed"), "true");
  await play(page);
  const ids = streamIds();
  assert.equal(ids.length, 2);
  assert.equal(ids[0], ids[1]);
  assert.match(ids[0], /^[0-9]{1,19}$/);
});

test("lock screens and media keys are told what plays", async (t) => {
  const page = await openPage(t, browser, server.url);
  await play(page);
  const session = () =>
    page.evaluate(() => ({ title: navigator.mediaSession.metadata?.title, state: navigator.mediaSession.playbackState }));
  const { track } = await look(page);
  await until("the title", async () => (await session()).title?.startsWith("eradio demo"));
  assert.ok(track.startsWith("eradio demo"));
  assert.equal((await session()).state, "playing");
});

test("the server's policy lets the page's own scripts run, and no others", async (t) => {
  const page = await openPage(t, browser, server.url);
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.intruded = true";
    document.body.append(script);
    return Boolean(window.intruded);
  });
  assert.equal(ran, false);
  assert.match(page.complaints.join(), /Content Security Policy/);
});
