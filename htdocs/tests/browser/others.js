// Pages of others, and browsers beside each other.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer, get } from "node:http";
import { connect } from "node:net";
import test, { after, before } from "node:test";
import { Api } from "../../js/api.js";
import { until } from "../support/processes.js";
import { Server } from "../support/server.js";
import { Station } from "../support/station.js";
import { launch, onQuietMachine, openPage, play, shows } from "./chromium.js";
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

test("a page of another origin uses the library, the stream, votes and both kinds of notification", async (t) => {
  const html = "<!doctype html><title>elsewhere</title><link rel=icon href='data:,'>";
  const elsewhere = createServer((request, response) => response.end(html)).listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  t.after(() => elsewhere.close());
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(`http://127.0.0.1:${elsewhere.address().port}/`, { waitUntil: "domcontentloaded" });
  const result = await page.evaluate(async (base) => {
    const { Api, randomListenerId } = await import(`${base}js/api.js`);
    const { Notifications } = await import(`${base}js/notify.js`);
    const { Player } = await import(`${base}js/player.js`);
    const api = new Api({ base });
    const listenerId = randomListenerId();
    const heard = { websocket: [], events: [] };
    const ways = {
      websocket: new Notifications({ api, EventSource: undefined, onMetadata: (news) => heard.websocket.push(news) }),
      events: new Notifications({ api, WebSocket: undefined, onMetadata: (news) => heard.events.push(news) }),
    };
    const soon = (condition) =>
      new Promise((resolve, reject) => {
        const begin = performance.now();
        const look = () =>
          condition() ? resolve() : performance.now() - begin > 10_000 ? reject(new Error(`in vain: ${condition}`)) : setTimeout(look, 20);
        look();
      });
    ways.websocket.start();
    ways.events.start();
    await soon(() => heard.websocket.length > 0 && heard.events.length > 0);
    const states = [];
    const player = new Player({ api, listenerId, onState: (state) => states.push(state) });
    player.play();
    await soon(() => player.state === "playing");
    await api.veto(listenerId);
    await soon(() => Object.values(heard).every((all) => all.some(({ vetoCount }) => vetoCount === 1)));
    const missing = await api.veto("1").catch((error) => ({ status: error.status, message: error.message }));
    const response = await api.stream("5");
    const id = response.headers.get("X-Listener-Id");
    await response.body.cancel();
    player.stop();
    await soon(() => Object.values(heard).every((all) => all.at(-1).listenerCount === 0));
    ways.websocket.stop();
    ways.events.stop();
    return { states, missing, id };
  }, server.url);
  assert.deepEqual(result.states, ["connecting", "buffering", "playing", "stopped"]);
  assert.equal(result.missing.status, 404);
  assert.match(result.missing.message, /listener/);
  assert.equal(result.id, "5");
  assert.ok(complaints.every((complaint) => complaint.includes("404")), String(complaints));
});

/** Connections to the server that one of its workers takes: which one the kernel chooses by the client's port. */
function dialWorker(pid, port) {
  return async () => {
    for (let attempt = 0; attempt < 64; attempt++) {
      const socket = connect({ host: "127.0.0.1", port });
      await once(socket, "connect");
      const inode = await until("a worker to take the connection", () => acceptedInode(socket.localPort, port));
      if (await until("a worker to have the connection", () => ownerOf(inode)) === pid) {
        return socket;
      }
      socket.destroy();
    }
    throw new Error(`no connection of 64 came to worker ${pid}`);
  };

  function ownerOf(inode) {
    return workers().find((worker) =>
      readdirSync(`/proc/${worker}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${worker}/fd/${fd}`) === `socket:[${inode}]`;
        } catch {
          return false; // closed meanwhile
        }
      }),
    );
  }
}

function workers() {
  return [...server.log.matchAll(/worker \d+: process (\d+) serves/g)].map(([, pid]) => Number(pid));
}

/** The server's end of a connection, once it was accepted; inode 0 until then. */
function acceptedInode(clientPort, serverPort) {
  const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (local?.endsWith(`:${hex(serverPort)}`) && remote?.endsWith(`:${hex(clientPort)}`) && inode !== "0") {
      return inode;
    }
  }
  return null;
}

test("two browsers, one on each worker, see the same counts within 100 ms of each other", async (t) => {
  const second = await launch();
  t.after(() => second.close());
  const pids = workers();
  assert.equal(pids.length, 2, server.log);
  const networks = await Promise.all(pids.map((pid) => Proxy.open(server.port, dialWorker(pid, server.port))));
  t.after(() => networks.forEach((network) => network.close()));
  const pages = await Promise.all([browser, second].map((chromium, i) => openPage(t, chromium, networks[i].url)));
  for (const page of pages) {
    await play(page);
  }
  const api = new Api({ base: server.url });
  let apart;
  /** Does something, and takes how far apart the pages show it. */
  const measure = async (what, id, text, action) => {
    const begin = performance.timeOrigin + performance.now();
    await action();
    const times = await Promise.all(
      pages.map((page) =>
        until(`${id} to be ${text}`, () =>
          page.evaluate(
            ([of, wanted, since]) => window.seen.texts[of].find(({ text: shown, at }) => shown === wanted && at >= since)?.at,
            [id, text, begin],
          ),
        ),
      ),
    );
    (apart[what] ??= []).push(Math.abs(times[0] - times[1]));
  };
  await Promise.all(pages.map((page) => shows(page, "two listeners", ({ listeners }) => listeners === "2")));
  await onQuietMachine(async () => {
    apart = {};
    for (let round = 0; round < 5; round++) {
      const listener = get(new URL("stream.mp3?listener_id=3", server.url), { agent: false });
      listener.on("error", () => {}); // that it is destroyed
      await measure("join", "listeners", "3", async () => (await once(listener, "response"))[0].resume());
      await measure("vote", "votes", "1", () => api.veto("3"));
      await measure("leave", "listeners", "2", async () => listener.destroy());
      await Promise.all(pages.map((page) => shows(page, "that the vote has left too", ({ votes }) => votes === "0")));
    }
    for (const [what, all] of Object.entries(apart)) {
      all.sort((a, b) => a - b);
      console.log(`${what}: apart in ms: ${all.map((ms) => ms.toFixed(1)).join(", ")}`);
      assert.ok(all[all.length >> 1] <= 100, `${what}: ${all} ms apart`);
    }
  });
});
