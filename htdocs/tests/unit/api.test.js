import assert from "node:assert/strict";
import test from "node:test";
import { Api, ApiError, isListenerId, readMetadata, readNotification } from "../../js/api.js";
import { FakeClock, settle } from "./fakes.js";

const json = (body, init) => new Response(typeof body === "string" ? body : JSON.stringify(body), init);

/** An API whose server is a function; `asked` has what it was sent. */
function apiWith(answer, options = {}) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push({ url: String(url), method: init.method, cache: init.cache });
    return answer(init);
  };
  return { api: new Api({ base: "http://radio.test/", fetch, ...options }), asked };
}

test("addresses are those of the server, below its path if it has one", () => {
  const api = new Api({ base: "https://radio.test/live/index.html?x=1#y" });
  assert.equal(api.streamUrl("7"), "https://radio.test/live/stream.mp3?listener_id=7");
  assert.equal(api.streamUrl(), "https://radio.test/live/stream.mp3");
  assert.equal(api.notifyUrl(), "wss://radio.test/live/v1/ws/notify");
  assert.equal(api.eventsUrl(), "https://radio.test/live/v1/events");
  const other = new Api({ base: "http://radio.test:8080", streamPath: "/music.aac" });
  assert.equal(other.streamUrl("7"), "http://radio.test:8080/music.aac?listener_id=7");
  assert.equal(other.notifyUrl(), "ws://radio.test:8080/v1/ws/notify");
});

test("metadata are read", async () => {
  const { api, asked } = apiWith(() => json({ current_track: { uri: "u", name: "n" }, listener_count: 3, veto_count: 1 }));
  assert.deepEqual(await api.metadata(), { track: { uri: "u", name: "n" }, listenerCount: 3, vetoCount: 1 });
  assert.deepEqual(asked, [{ url: "http://radio.test/v1/metadata", method: "GET", cache: "no-store" }]);
});

test("without a track nothing plays", () => {
  assert.deepEqual(readMetadata({ listener_count: 0, veto_count: 0 }), { track: null, listenerCount: 0, vetoCount: 0 });
});

test("a veto is a PUT with the id, to the last digit", async () => {
  const { api, asked } = apiWith(() => json({}));
  await api.veto("9223372036854775807");
  assert.deepEqual(asked, [
    { url: "http://radio.test/v1/veto?listener_id=9223372036854775807", method: "PUT", cache: "no-store" },
  ]);
});

test("an error has the server's status and words", async () => {
  const { api } = apiWith(() => json({ error: "nothing plays" }, { status: 409 }));
  await assert.rejects(api.veto("1"), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 409);
    assert.equal(error.message, "nothing plays");
    assert.equal(error.retryAfterSeconds, undefined);
    return true;
  });
});

test("an error without words has its status, and when to come back", async () => {
  const { api } = apiWith(() =>
    json("<h1>Busy</h1>", { status: 503, statusText: "Service Unavailable", headers: { "Retry-After": "7" } }),
  );
  await assert.rejects(api.stream("1"), {
    status: 503,
    message: "The server answered 503 Service Unavailable",
    retryAfterSeconds: 7,
  });
});

for (const [story, body] of [
  ["no JSON", "nonsense"],
  ["no object", "3"],
  ["null", "null"],
  ["no counts", {}],
  ["a negative count", { listener_count: -1, veto_count: 0 }],
  ["a count that is a text", { listener_count: "1", veto_count: 0 }],
  ["a track that is a text", { current_track: "x", listener_count: 1, veto_count: 0 }],
  ["a name that is a number", { current_track: { uri: "", name: 1 }, listener_count: 1, veto_count: 0 }],
]) {
  test(`an answer that is ${story} is an ApiError`, async () => {
    const { api } = apiWith(() => json(body));
    await assert.rejects(api.metadata(), (error) => error instanceof ApiError && error.status === 0);
  });
}

test("a server that cannot be reached is an ApiError of status 0", async () => {
  const { api } = apiWith(() => {
    throw new TypeError("Failed to fetch");
  });
  await assert.rejects(api.metadata(), { name: "ApiError", status: 0, message: /cannot be reached: Failed to fetch/ });
});

const untilAborted = ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a server that does not answer is given up", async () => {
  const clock = new FakeClock();
  const { api } = apiWith(untilAborted, { clock, timeoutMs: 3000 });
  const answer = assert.rejects(api.metadata(), { name: "ApiError", status: 0, message: "The server does not answer" });
  await clock.advance(3000);
  await answer;
  assert.equal(clock.timers, 0);
});

test("so is one that stops in the middle of its answer", async () => {
  const clock = new FakeClock();
  const { api } = apiWith(
    ({ signal }) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("{"));
            signal.addEventListener("abort", () => controller.error(signal.reason));
          },
        }),
      ),
    { clock },
  );
  const answer = assert.rejects(api.metadata(), { name: "ApiError", message: "The server does not answer" });
  await clock.advance(8000);
  await answer;
});

test("the caller's signal aborts, and its reason is what he gets", async () => {
  const { api } = apiWith(untilAborted, { clock: new FakeClock() });
  const abort = new AbortController();
  const answer = assert.rejects(api.metadata({ signal: abort.signal }), /I have left/);
  abort.abort(new Error("I have left"));
  await answer;
  await assert.rejects(api.metadata({ signal: abort.signal }), /I have left/);
});

test("the stream's head has to come in time, its body may last for ever", async () => {
  const clock = new FakeClock();
  let aborted = false;
  const { api } = apiWith(
    ({ signal }) => {
      signal.addEventListener("abort", () => (aborted = true));
      return new Response(new ReadableStream());
    },
    { clock },
  );
  const abort = new AbortController();
  const response = await api.stream("1", { signal: abort.signal });
  assert.equal(response.status, 200);
  await clock.advance(3_600_000);
  assert.equal(aborted, false);
  abort.abort();
  await settle();
  assert.equal(aborted, true);
});

test("notifications are told from other messages", () => {
  const metadata = { listener_count: 1, veto_count: 0 };
  assert.deepEqual(readNotification(JSON.stringify({ action: "notify", metadata })), readMetadata(metadata));
  assert.equal(readNotification('{"action":"notify"}'), "changed");
  assert.equal(readNotification('{"action":"something new"}'), null);
  assert.equal(readNotification('{"action":"notify","metadata":{}}'), null);
  assert.equal(readNotification("nonsense"), null);
  assert.equal(readNotification("null"), null);
});

test("ids are decimal and below 2^63", () => {
  for (const id of ["0", "1", "9223372036854775807", "0000000000000000001"]) {
    assert.equal(isListenerId(id), true, id);
  }
  for (const id of ["", "-1", "9223372036854775808", "1e3", "0x1", "1.0", " 1", "१"]) {
    assert.equal(isListenerId(id), false, id);
  }
});
