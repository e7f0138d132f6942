// What goes wrong is got over without anybody doing anything.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { until } from "../support/processes.js";
import { Server } from "../support/server.js";
import { Station } from "../support/station.js";
import { launch, look, openPage, play, shows } from "./chromium.js";
import { Proxy } from "./proxy.js";

let browser;
let station;
let server;

before(async () => {
  browser = await launch();
  station = await Station.open(440);
  station.play(0, "A tone");
  server = await Server.start("--source", station.commandLine);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await station?.close();
});

/** It plays again, close to live, and has all that it shows from the server. */
function isBack(page, what, since) {
  return shows(
    page,
    `that it is back ${what}`,
    (now) => now.status === "Live" && now.lag < 0.5 && now.listeners === "1" && now.currentTime > since + 1,
    45_000,
  );
}

test("the server is restarted: the page returns by itself", async (t) => {
  const page = await openPage(t, browser, server.url);
  await play(page);
  await server.stop();
  await shows(page, "that the connection is lost", ({ status }) => status === "Reconnecting");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const begin = performance.now();
  await server.start();
  const { currentTime } = await look(page);
  await isBack(page, "after a restart", currentTime);
  console.log(`back ${((performance.now() - begin) / 1000).toFixed(1)} s after the server`);
});

test("the network stalls without a word, for good: the page finds out and joins anew", async (t) => {
  const network = await Proxy.open(server.port);
  t.after(() => network.close());
  const page = await openPage(t, browser, network.url);
  await play(page);
  network.stall();
  await shows(page, "that it is without sound", ({ status }) => status === "Buffering" || status === "Reconnecting");
  await shows(page, "that it has given the connection up", ({ status }) => status === "Reconnecting");
  const { currentTime } = await look(page);
  // What hung is gone for good; new connections work.
  network.cut();
  network.resume();
  await isBack(page, "after a stall", currentTime);
});

test("the network stalls, and goes on where it was: the page drops what is too old", async (t) => {
  const network = await Proxy.open(server.port);
  t.after(() => network.close());
  const page = await openPage(t, browser, network.url);
  await play(page);
  network.stall();
  await shows(page, "that it has run dry", ({ status }) => status !== "Live");
  network.resume();
  const { currentTime } = await look(page);
  await isBack(page, "after a hiccup", currentTime);
  assert.deepEqual(page.complaints, []);
});

test("every connection is cut: the page comes back", async (t) => {
  const network = await Proxy.open(server.port);
  t.after(() => network.close());
  const page = await openPage(t, browser, network.url);
  await play(page);
  const { currentTime } = await look(page);
  network.cut();
  await isBack(page, "after a cut", currentTime);
});

/** A page that loses its connections votes, the vote is counted, and `lose` cuts them: then it is cast again. */
async function votesThrough(t, lose) {
  const network = await Proxy.open(server.port);
  t.after(() => network.close());
  const [voter, second, third] = await Promise.all(
    [network.url, server.url, server.url].map((url) => openPage(t, browser, url)),
  );
  await Promise.all([voter, second, third].map(play));
  await shows(voter, "three listeners", ({ listeners }) => listeners === "3");
  await lose(voter, network, () => shows(second, "a vote", ({ votes }) => votes === "1"));
  // It went with its listener; how long it is away nobody can say, and it may be too short to be seen.
  await until("the vote to be cast again", () => voter.requests.filter((url) => url.includes("/v1/veto")).length >= 2);
  await shows(second, "the vote again", ({ votes, listeners }) => votes === "1" && listeners === "3");
  await shows(voter, "that it has voted", ({ voted, votes, problem }) => voted && votes === "1" && problem === "");
}

test("a vote outlives the loss of a connection", (t) =>
  votesThrough(t, async (voter, network, isCounted) => {
    await voter.click("#veto");
    await shows(voter, "that it has voted", ({ voted }) => voted);
    await isCounted();
    network.cut();
  }));

test("a vote whose answer is lost with the connection is cast again", (t) =>
  votesThrough(t, async (voter, network, isCounted) => {
    const answerIsLost = async (route) => {
      await route.fetch();
      await isCounted();
      network.cut();
      await route.abort("connectionreset");
    };
    await voter.route("**/v1/veto*", answerIsLost, { times: 1 });
    await voter.click("#veto");
  }));

test("skipped frames are skipped: the sound goes on, in the same connection", async (t) => {
  const network = await Proxy.open(server.port);
  t.after(() => network.close());
  const page = await openPage(t, browser, network.url);
  await play(page);
  for (let hiccup = 0; hiccup < 4; hiccup++) {
    network.stall();
    await new Promise((resolve) => setTimeout(resolve, 600)); // the server skips what is older than 250 ms
    network.resume();
    const { currentTime } = await look(page);
    await isBack(page, "after a hiccup", currentTime);
  }
  assert.equal(page.requests.filter((url) => url.includes("/stream.mp3")).length, 1);
  assert.deepEqual(page.complaints, []);
});

test("a stream with broken frames in it is not the end of it", async (t) => {
  station.spoil(true);
  t.after(() => station.spoil(false));
  const page = await openPage(t, browser, server.url);
  await play(page);
  const { currentTime } = await look(page);
  await shows(page, "that the sound goes on", (now) => now.currentTime > currentTime + 7, 30_000);
  await shows(page, "that it plays", ({ status, lag }) => status === "Live" && lag < 0.5);
});

test("where no WebSocket gets through, the page hears of changes all the same", async (t) => {
  const page = await openPage(t, browser, server.url, {
    before: () => {
      window.WebSocket = class extends EventTarget {
        constructor() {
          super();
          setTimeout(() => this.onclose?.({}), 10);
        }
        close() {}
      };
    },
  });
  await play(page);
  await shows(page, "one listener", ({ listeners }) => listeners === "1");
  assert.ok(page.requests.some((url) => url.endsWith("/v1/events")));
  station.play(0, "Another tone");
  await shows(page, "the other track", ({ track }) => track === "Another tone");
  station.play(0, "A tone");
});

test("the server is full: the page says so, and gets in when there is room", async (t) => {
  const small = await Server.start("--source", station.commandLine, "--max_listeners", "1");
  t.after(() => small.stop());
  const first = await openPage(t, browser, small.url);
  await play(first);
  const second = await openPage(t, browser, small.url);
  await second.click("#play");
  await shows(second, "why it does not play", ({ problem, status }) => problem !== "" && status === "Reconnecting");
  await first.click("#play");
  await shows(second, "that it plays", ({ status, problem }) => status === "Live" && problem === "", 60_000);
});
