import assert from "node:assert/strict";
import test from "node:test";
import { Notifications, nextTransport } from "../../js/notify.js";
import { FakeApi, FakeClock, FakeEventSource, FakeWebSocket, notification, playing, settle, stopped } from "./fakes.js";

function subscribe(options = {}) {
  FakeWebSocket.all.length = 0;
  FakeEventSource.all.length = 0;
  const clock = new FakeClock();
  const api = new FakeApi();
  api.metadataAnswers = [playing];
  const metadata = [];
  const states = [];
  const roundTrips = [];
  const notifications = new Notifications({
    api,
    clock,
    random: () => 0.5,
    WebSocket: FakeWebSocket,
    EventSource: FakeEventSource,
    onMetadata: (news) => metadata.push(news),
    onState: (state) => states.push(state),
    onRoundTrip: (ms) => roundTrips.push(ms),
    ...options,
  });
  notifications.start();
  return { clock, api, metadata, states, roundTrips, notifications };
}

test("once the WebSocket is open it asks for the state, and then hears of changes", async () => {
  const { metadata, states } = subscribe();
  assert.equal(FakeWebSocket.last.url, "ws://radio.test/v1/ws/notify");
  FakeWebSocket.last.open();
  await settle();
  assert.deepEqual(metadata, [playing]);
  FakeWebSocket.last.receive(notification(stopped));
  assert.deepEqual(metadata, [playing, stopped]);
  assert.deepEqual(states, ["connecting", "open"]);
});

test("an answer to the first question that is older than a message is dropped", async () => {
  const { api, metadata } = subscribe();
  FakeWebSocket.last.open();
  FakeWebSocket.last.receive(notification(stopped));
  await settle();
  assert.equal(api.asked, 1);
  assert.deepEqual(metadata, [stopped]);
});

test("a notification without metadata makes it ask", async () => {
  const { api, metadata } = subscribe();
  FakeWebSocket.last.open();
  await settle();
  api.metadataAnswers = [stopped];
  FakeWebSocket.last.receive('{"action":"notify"}');
  await settle();
  assert.deepEqual(metadata, [playing, stopped]);
});

test("messages of other kinds are ignored", async () => {
  const { metadata } = subscribe();
  FakeWebSocket.last.open();
  await settle();
  for (const message of ["nonsense", '{"action":"dance"}', new ArrayBuffer(4)]) {
    FakeWebSocket.last.receive(message);
  }
  assert.equal(metadata.length, 1);
});

test("it sends an empty message every four seconds or so, and takes the time of the answer", async () => {
  const { clock, roundTrips } = subscribe();
  const socket = FakeWebSocket.last;
  socket.open();
  for (let i = 0; i < 5; i++) {
    await clock.advance(4000);
    await clock.advance(30);
    socket.receive("");
  }
  assert.ok(socket.sent.length >= 4, `${socket.sent.length} in 20 s`);
  assert.ok(socket.sent.every((message) => message === ""));
  assert.ok(roundTrips.every((ms) => ms >= 30), String(roundTrips));
});

test("a page whose timers are slowed down keeps alive by other events", async () => {
  const { clock, notifications } = subscribe();
  const socket = FakeWebSocket.last;
  socket.open();
  await settle();
  for (let i = 0; i < 10; i++) {
    notifications.keepAlive();
  }
  assert.equal(socket.sent.length, 0, "though not more often than needed");
  await clock.advance(1900); // before any timer is due
  notifications.keepAlive();
  assert.equal(socket.sent.length, 0);
});

test("a keep-alive without an answer means a dead connection", async () => {
  const { clock, states } = subscribe();
  FakeWebSocket.last.open();
  await clock.advance(12_500);
  assert.ok(FakeWebSocket.all[0].closed);
  assert.ok(states.includes("waiting"));
  assert.ok(FakeWebSocket.all.length >= 2);
});

test("a broken connection is tried again, later and later", async () => {
  const { clock } = subscribe({ EventSource: undefined });
  const waits = [];
  for (let i = 0; i < 7; i++) {
    const before = clock.now();
    const count = FakeWebSocket.all.length;
    FakeWebSocket.last.break();
    while (FakeWebSocket.all.length === count) {
      await clock.advance(100);
    }
    waits.push(clock.now() - before);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test("after a connection that held, it begins with a short wait again", async () => {
  const { clock } = subscribe();
  FakeWebSocket.last.break();
  await clock.advance(500);
  FakeWebSocket.last.break();
  await clock.advance(1000);
  FakeEventSource.last.open();
  await clock.advance(6000);
  FakeEventSource.last.break();
  await clock.advance(500);
  assert.equal(FakeWebSocket.all.length, 3);
});

test("a connection that breaks as soon as it opens does not count as a success", async () => {
  const { clock } = subscribe({ EventSource: undefined });
  for (const wait of [500, 1000, 2000]) {
    const count = FakeWebSocket.all.length;
    FakeWebSocket.last.open();
    FakeWebSocket.last.break();
    await clock.advance(wait - 1);
    assert.equal(FakeWebSocket.all.length, count);
    await clock.advance(1);
    assert.equal(FakeWebSocket.all.length, count + 1);
  }
});

test("a WebSocket that does not open is given up, and server-sent events take its place", async () => {
  const { clock, metadata, states } = subscribe();
  await clock.advance(8000 + 500 + 8000 + 1000);
  assert.equal(FakeEventSource.last.url, "http://radio.test/v1/events");
  assert.ok(FakeWebSocket.all.every((socket) => socket.closed));
  FakeEventSource.last.open();
  FakeEventSource.last.receive(notification(playing));
  assert.deepEqual(metadata, [playing]);
  assert.equal(states.at(-1), "open");
});

test("with events it looks now and then whether the server is still there", async () => {
  const { clock, api, notifications } = subscribe({ WebSocket: undefined });
  FakeEventSource.last.open();
  api.metadataAnswers = [new Error("no answer")];
  await clock.advance(30_000);
  assert.equal(api.asked, 1);
  assert.equal(FakeEventSource.all[0].closed, true);
  assert.ok(["waiting", "connecting"].includes(notifications.state));
});

test("a first question that fails breaks the connection, which is then tried again", async () => {
  const { api, states } = subscribe();
  api.metadataAnswers = [new Error("no answer")];
  FakeWebSocket.last.open();
  await settle();
  assert.equal(states.at(-1), "waiting");
});

test("the two ways take turns once the WebSocket has failed twice, or four times if it used to work", () => {
  const ways = (worked) => [0, 1, 2, 3, 4, 5, 6].map((failures) => nextTransport(failures, worked)[0]).join("");
  assert.equal(ways(false), "wwewewe");
  assert.equal(ways(true), "wwwwewe");
});

test("when the network is back it does not wait any longer", async () => {
  const { notifications } = subscribe();
  FakeWebSocket.last.break();
  assert.equal(FakeWebSocket.all.length, 1);
  notifications.retryNow();
  assert.equal(FakeWebSocket.all.length, 2);
  notifications.retryNow();
  assert.equal(FakeWebSocket.all.length, 2, "and an attempt is not interrupted");
});

test("stopped, it leaves no timer and no connection", async () => {
  const { clock, notifications, states } = subscribe();
  FakeWebSocket.last.open();
  await settle();
  notifications.stop();
  assert.equal(clock.timers, 0);
  assert.ok(FakeWebSocket.last.closed);
  assert.equal(states.at(-1), "closed");
});
