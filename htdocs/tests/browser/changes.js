// What changes in the world is seen on the page: tracks, the source, listeners, votes.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { until } from "../support/processes.js";
import { Server } from "../support/server.js";
import { Station } from "../support/station.js";
import { launch, look, onQuietMachine, openPage, play, shows } from "./chromium.js";

const spotify = "spotify:track:4uLU6hMCjMI75M1A2tKUQC";
let browser;
let station;
let server;

before(async () => {
  browser = await launch();
  station = await Station.open(440, 880);
  station.play(0, "Low – A", spotify);
  server = await Server.start("--source", station.commandLine);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await station?.close();
});

test("a Spotify track is a link to it, a web address too, and anything else is text", async (t) => {
  const page = await openPage(t, browser, server.url);
  await shows(page, "the link", ({ track, link }) => track === "Low – A" && link === "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC");
  station.play(0, "Elsewhere", "https://music.test/1");
  await shows(page, "the link", ({ track, link }) => track === "Elsewhere" && link === "https://music.test/1");
  for (const uri of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "eradio:demo"]) {
    station.play(0, `Not ${uri}`, uri);
    await shows(page, "no link", ({ track, link }) => track === `Not ${uri}` && link === null);
  }
  station.play(0, "<img src=x onerror=alert(1)>", "");
  await shows(page, "the name as text", ({ track }) => track === "<img src=x onerror=alert(1)>");
  station.play(0, "", "");
  await shows(page, "that it has no name", ({ track }) => track === "Untitled");
  station.play(0, "Low – A", spotify);
  assert.deepEqual(page.complaints, []);
});

test("the track changes on the page in step with the sound", async (t) => {
  const page = await openPage(t, browser, server.url);
  await play(page);
  await shows(page, "the track", ({ track }) => track === "Low – A");
  // Listens to what comes out of the audio element: which of the two tones is the louder.
  await page.evaluate(() => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    analyser.smoothingTimeConstant = 0;
    context.createMediaElementSource(document.querySelector("audio")).connect(analyser).connect(context.destination);
    const levels = new Float32Array(analyser.frequencyBinCount);
    const level = (hz) => levels[Math.round((hz * analyser.fftSize) / context.sampleRate)];
    window.heard = [];
    setInterval(() => {
      analyser.getFloatFrequencyData(levels);
      const loudest = Math.max(level(440), level(880)) < -70 ? null : level(440) > level(880) ? "Low – A" : "High – A";
      if (loudest !== null && loudest !== window.heard.at(-1)?.text) {
        window.heard.push({ text: loudest, at: performance.timeOrigin + performance.now() });
      }
    }, 5);
  });
  await onQuietMachine(async () => {
    station.play(0, "Low – A", spotify);
    const apart = [];
    for (let round = 0; round < 6; round++) {
      const [tone, name] = round % 2 === 0 ? [1, "High – A"] : [0, "Low – A"];
      const newest = () =>
        page.evaluate(() => ({ heard: window.heard.at(-1) ?? null, shown: window.seen.texts.track.at(-1) }));
      await until(`a tone other than ${name} to be heard`, async () => {
        const { heard } = await newest();
        return heard !== null && heard.text !== name;
      });
      station.play(tone, name, `https://music.test/${round}`);
      await until(
        async () => `${name} to be heard and shown: ${JSON.stringify(await newest())}`,
        async () => {
          const { heard, shown } = await newest();
          return heard?.text === name && shown.text === name;
        },
      );
      const { heard, shown } = await newest();
      apart.push(Math.round(shown.at - heard.at));
    }
    console.log(`tracks shown after they were heard, in ms: ${apart.join(", ")}`);
    const median = apart.map(Math.abs).sort((a, b) => a - b)[apart.length >> 1];
    assert.ok(median < 150, `shown ${apart} ms after it was heard`);
  });
  station.play(0, "Low – A", spotify);
});

test("two pages vote, and the track is skipped", async (t) => {
  const pages = await Promise.all([1, 2, 3].map(() => openPage(t, browser, server.url)));
  const [one, two, three] = pages;
  assert.equal((await look(one)).mayVote, false, "who does not listen has no vote");
  await Promise.all(pages.map(play));
  await Promise.all(pages.map((page) => shows(page, "three listeners", ({ listeners }) => listeners === "3")));
  const before = station.commands.length;
  await one.click("#veto");
  await shows(one, "that it has voted", ({ voted, votes }) => voted && votes === "1");
  await shows(two, "a vote, and not its own", ({ voted, votes }) => !voted && votes === "1");
  assert.match(await one.textContent("#veto"), /You voted to skip/);
  await one.click("#veto");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal((await look(three)).votes, "1", "twice counts once");
  assert.equal(station.commands.slice(before).includes("next"), false);
  await two.click("#veto");
  await until("the source to be told to go on", () => station.commands.slice(before).includes("next"));
  station.play(1, "High – A", "");
  for (const page of pages) {
    await shows(page, "the next track, without votes", ({ track, votes, voted }) => track === "High – A" && votes === "0" && !voted);
  }
});

test("the source stops and comes back: that is no failure, and costs no connection", async (t) => {
  const page = await openPage(t, browser, server.url);
  await play(page);
  station.stop();
  await shows(page, "that the source has stopped", (now) => now.status === "Paused by the source" && now.track === "Nothing is playing");
  assert.equal((await look(page)).mayVote, false);
  // Longer than a dead connection would be left alone.
  await new Promise((resolve) => setTimeout(resolve, 5000));
  assert.equal((await look(page)).status, "Paused by the source");
  const { currentTime } = await look(page);
  station.play(0, "Back again", "");
  await shows(page, "that it plays", (now) => now.status === "Live" && now.track === "Back again" && now.currentTime > currentTime + 0.5);
  await shows(page, "a small lag", ({ lag }) => lag < 0.5, 5000);
  assert.equal(page.requests.filter((url) => url.includes("/stream.mp3")).length, 1);
  assert.deepEqual(page.complaints, []);
});

test("a source that does not say what it plays is live all the same", async (t) => {
  const tone = "eradio-source-pipe -- ffmpeg -nostdin -v error -re -f lavfi -i sine=330 -ac 2 -c:a libmp3lame -b:a 128k -reservoir 0 -f mp3 -";
  const radio = await Server.start("--source", tone);
  t.after(() => radio.stop());
  const page = await openPage(t, browser, radio.url);
  await play(page);
  await shows(page, "that something plays", ({ track, status, lag }) => track === "The live stream" && status === "Live" && lag < 0.5);
});
