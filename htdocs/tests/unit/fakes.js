import { webcrypto } from "node:crypto";

// Stand-ins for what a browser and a server do, so that the modules' tests need neither, and need not wait.

export class FakeClock {
  #now = 1000;
  #next = 1;
  #timers = new Map();

  now() {
    return this.#now;
  }

  setTimeout(callback, delayMs) {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#now + delayMs, callback });
    return id;
  }

  clearTimeout(id) {
    this.#timers.delete(id);
  }

  /** Lets time pass: every timer that is due on the way is called at its time. */
  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (due === undefined) {
        break;
      }
      const [id, { at, callback }] = due;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      callback();
      await settle();
    }
    this.#now = end;
  }

  get timers() {
    return this.#timers.size;
  }
}

/** Lets every promise that can go on do so. */
export async function settle() {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export class FakeWebSocket {
  static all = [];
  sent = [];
  closed = false;

  constructor(url) {
    this.url = url;
    FakeWebSocket.all.push(this);
  }

  static get last() {
    return FakeWebSocket.all.at(-1);
  }

  send(data) {
    this.sent.push(data);
  }

  close() {
    this.closed = true;
  }

  open() {
    this.onopen?.({});
  }

  receive(data) {
    this.onmessage?.({ data });
  }

  break() {
    this.onclose?.({});
  }
}

export class FakeEventSource {
  static all = [];
  closed = false;

  constructor(url) {
    this.url = url;
    FakeEventSource.all.push(this);
  }

  static get last() {
    return FakeEventSource.all.at(-1);
  }

  close() {
    this.closed = true;
  }

  open() {
    this.onopen?.({});
  }

  receive(data) {
    this.onmessage?.({ data });
  }

  break() {
    this.onerror?.({});
  }
}

/** As much of an audio element as the player uses. Sound arrives by `arrive`, and is heard by `hear`. */
export class FakeAudio extends EventTarget {
  src = "";
  paused = true;
  ended = false;
  preload = "";
  volume = 1;
  muted = false;
  playbackRate = 1;
  readyState = 0;
  currentTime = 0;
  bufferedSeconds = 0;
  denied = false;

  get buffered() {
    const { bufferedSeconds } = this;
    return { length: bufferedSeconds > 0 ? 1 : 0, start: () => 0, end: () => bufferedSeconds };
  }

  play() {
    if (this.denied) {
      return Promise.reject(new DOMException("not now", "NotAllowedError"));
    }
    this.paused = false;
    return Promise.resolve();
  }

  pause() {
    this.paused = true;
  }

  load() {
    this.readyState = 0;
    this.currentTime = 0;
    this.bufferedSeconds = 0;
  }

  removeAttribute() {
    this.src = "";
  }

  /** The browser begins to play. */
  start() {
    this.readyState = 4;
    this.dispatchEvent(new Event("playing"));
  }

  /** The browser has run dry. */
  starve() {
    this.readyState = 2;
    this.dispatchEvent(new Event("waiting"));
  }
}

/** Takes the stream, and tells the player that it has arrived: each byte is a second of sound. */
export class FakeSink {
  static all = [];
  types = [];
  bytes = [];
  closed = false;

  constructor(audio, events) {
    this.audio = audio;
    this.events = events;
    FakeSink.all.push(this);
  }

  static get last() {
    return FakeSink.all.at(-1);
  }

  async begin(type) {
    this.types.push(type);
  }

  append(bytes) {
    this.bytes.push(...bytes);
    for (const byte of bytes) {
      this.audio.bufferedSeconds += byte / 1000; // a byte's value is its sound in milliseconds
    }
    this.events.onAppended();
  }

  close() {
    this.closed = true;
  }
}

/** A server whose stream connections a test opens, feeds and breaks. */
export class FakeApi {
  connections = [];
  metadataAnswers = [];
  asked = 0;
  refuse = null;

  stream(id, { signal }) {
    if (this.refuse !== null) {
      this.connections.push({ id, refused: true });
      return Promise.reject(this.refuse);
    }
    const connection = { id, signal };
    const body = new ReadableStream({
      start(controller) {
        connection.send = (...bytes) => controller.enqueue(Uint8Array.from(bytes));
        connection.end = () => controller.close();
        connection.break = () => controller.error(new TypeError("network error"));
        signal.addEventListener("abort", () => {
          try {
            controller.error(signal.reason);
          } catch {
            // It has ended already.
          }
        });
      },
    });
    this.connections.push(connection);
    return Promise.resolve(new Response(body, { headers: { "Content-Type": "audio/mpeg" } }));
  }

  streamUrl(id) {
    return `http://radio.test/stream.mp3?listener_id=${id}`;
  }

  notifyUrl() {
    return "ws://radio.test/v1/ws/notify";
  }

  eventsUrl() {
    return "http://radio.test/v1/events";
  }

  async metadata() {
    this.asked += 1;
    const answer = this.metadataAnswers.length > 1 ? this.metadataAnswers.shift() : this.metadataAnswers[0];
    if (answer instanceof Error) {
      throw answer;
    }
    if (answer === undefined) {
      throw new Error("the test has no answer");
    }
    return answer;
  }

  get last() {
    return this.connections.at(-1);
  }
}

export const playing = { track: { uri: "u", name: "n" }, listenerCount: 1, vetoCount: 0 };
export const stopped = { track: null, listenerCount: 1, vetoCount: 0 };

export const notification = (metadata) =>
  JSON.stringify({
    action: "notify",
    metadata: {
      ...(metadata.track === null ? {} : { current_track: metadata.track }),
      listener_count: metadata.listenerCount,
      veto_count: metadata.vetoCount,
    },
  });

// Every browser has it, Node from version 19 on.
globalThis.crypto ??= webcrypto;
