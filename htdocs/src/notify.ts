/**
 * Live notifications: what plays, and the counts, as soon as they change. Over the server's WebSocket; over
 * server-sent events where some proxy lets no WebSocket through. Connects again by itself, for as long as it takes.
 *
 *     const notifications = new Notifications({ api, onMetadata: (metadata) => … });
 *     notifications.start();
 */

import { readNotification, type Api, type Metadata } from "./api.js";
import { retryDelayMs } from "./backoff.js";
import { systemClock, type Clock, type TimerId } from "./clock.js";

/** `waiting`: the connection broke, or could not be had, and will be tried again. */
export type NotifyState = "closed" | "connecting" | "open" | "waiting";

export interface NotifyEvents {
  onMetadata?: (metadata: Metadata) => void;
  onState?: (state: NotifyState) => void;
  /** How long a message to the server and its answer took. Known with a WebSocket only. */
  onRoundTrip?: (milliseconds: number) => void;
}

export interface NotifyOptions extends NotifyEvents {
  api: Pick<Api, "metadata" | "notifyUrl" | "eventsUrl">;
  clock?: Clock;
  random?: () => number;
  WebSocket?: typeof WebSocket | undefined;
  EventSource?: typeof EventSource | undefined;
}

/** The server closes a WebSocket that it has heard nothing from for 10 s. */
const keepAliveMs = 4000;
/** A message that is not answered for so long: the connection is dead, though nobody has said so. */
const answerMs = 6000;
const openMs = 8000;
/** Only a connection that held for so long counts as a success, so that one that breaks at once is not hammered. */
const heldMs = 5000;
/** Server-sent events cannot be answered, so that a dead connection looks like a quiet one: we ask now and then. */
const checkMs = 30_000;

type Transport = "websocket" | "events";

/**
 * Which way to try next. A WebSocket, until it could not be opened some times in a row; then both by turns, since
 * it may be the server that is away, and not the WebSocket that is not let through.
 */
export function nextTransport(failures: number, websocketWorkedBefore: boolean): Transport {
  const patience = websocketWorkedBefore ? 4 : 2;
  return failures >= patience && (failures - patience) % 2 === 0 ? "events" : "websocket";
}

export class Notifications {
  readonly #api: NotifyOptions["api"];
  readonly #events: NotifyEvents;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #WebSocket: typeof WebSocket | undefined;
  readonly #EventSource: typeof EventSource | undefined;

  #state: NotifyState = "closed";
  #socket: WebSocket | null = null;
  #source: EventSource | null = null;
  #timer: TimerId = null;
  #openedAt = 0;
  #failures = 0;
  #websocketWorked = false;
  #sentAt = 0;
  /** Since when an answer to a keep-alive is awaited. */
  #askedAt: number | null = null;
  /** Counts messages, so that an older answer of the API can be told from a newer message. */
  #received = 0;

  constructor(options: NotifyOptions) {
    this.#api = options.api;
    this.#events = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#WebSocket = "WebSocket" in options ? options.WebSocket : globalThis.WebSocket;
    this.#EventSource = "EventSource" in options ? options.EventSource : globalThis.EventSource;
  }

  get state(): NotifyState {
    return this.#state;
  }

  start(): void {
    if (this.#state === "closed") {
      this.#failures = 0;
      this.#connect();
    }
  }

  stop(): void {
    this.#disconnect();
    this.#setState("closed");
  }

  /** Does not wait any longer if it is waiting: for when the browser says that the network is back. */
  retryNow(): void {
    if (this.#state === "waiting") {
      this.#connect();
    }
  }

  /**
   * Sends the keep-alive if it is due, and looks whether the last one was answered. A timer calls this; whoever
   * has another regular event may call it too, as often as he likes: browsers slow down the timers of hidden pages.
   */
  keepAlive(): void {
    const socket = this.#socket;
    if (socket === null || this.#state !== "open") {
      return;
    }
    const now = this.#clock.now();
    if (this.#askedAt !== null) {
      if (now - this.#askedAt >= answerMs) {
        this.#broken();
      }
    } else if (now - this.#sentAt >= keepAliveMs) {
      this.#askedAt = now;
      this.#sentAt = now;
      socket.send("");
    }
  }

  #connect(): void {
    this.#disconnect();
    this.#setState("connecting");
    this.#timer = this.#clock.setTimeout(() => this.#broken(), openMs);
    const wanted = nextTransport(this.#failures, this.#websocketWorked);
    if (this.#EventSource && (wanted === "events" || !this.#WebSocket)) {
      this.#openEvents(this.#EventSource);
    } else if (this.#WebSocket) {
      this.#openWebSocket(this.#WebSocket);
    }
  }

  #openWebSocket(constructor: typeof WebSocket): void {
    const socket = new constructor(this.#api.notifyUrl());
    this.#socket = socket;
    socket.onopen = () => {
      this.#websocketWorked = true;
      this.#sentAt = this.#clock.now();
      this.#askedAt = null;
      this.#opened();
      this.#tick();
      void this.#askForMetadata();
    };
    socket.onmessage = ({ data }) => this.#message(data);
    socket.onclose = () => this.#broken();
  }

  #openEvents(constructor: typeof EventSource): void {
    const source = new constructor(this.#api.eventsUrl());
    this.#source = source;
    source.onopen = () => {
      this.#opened();
      this.#check();
    };
    source.onmessage = ({ data }) => this.#message(data);
    // It would connect again by itself, though not with our back-off.
    source.onerror = () => this.#broken();
  }

  #opened(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#openedAt = this.#clock.now();
    this.#setState("open");
  }

  #tick(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.keepAlive();
      if (this.#state === "open") {
        this.#tick();
      }
    }, keepAliveMs / 2);
  }

  #check(): void {
    const delayMs = checkMs * (0.5 + this.#random());
    this.#timer = this.#clock.setTimeout(() => {
      void this.#askForMetadata();
      this.#check();
    }, delayMs);
  }

  #message(data: unknown): void {
    if (data === "") {
      if (this.#askedAt !== null) {
        this.#events.onRoundTrip?.(this.#clock.now() - this.#askedAt);
        this.#askedAt = null;
      }
      return;
    }
    const notification = typeof data === "string" ? readNotification(data) : null;
    if (notification === "changed") {
      void this.#askForMetadata();
    } else if (notification !== null) {
      this.#received += 1;
      this.#events.onMetadata?.(notification);
    }
  }

  async #askForMetadata(): Promise<void> {
    const connection = this.#socket ?? this.#source;
    const receivedBefore = this.#received;
    try {
      const metadata = await this.#api.metadata();
      // What came meanwhile as a message is at least as new.
      if (connection === (this.#socket ?? this.#source) && receivedBefore === this.#received) {
        this.#events.onMetadata?.(metadata);
      }
    } catch {
      if (connection !== null && connection === (this.#socket ?? this.#source)) {
        this.#broken();
      }
    }
  }

  #broken(): void {
    const held = this.#state === "open" && this.#clock.now() - this.#openedAt >= heldMs;
    this.#failures = held ? 0 : this.#failures + 1;
    this.#disconnect();
    this.#setState("waiting");
    const delayMs = retryDelayMs(Math.max(0, this.#failures - 1), this.#random());
    this.#timer = this.#clock.setTimeout(() => this.#connect(), delayMs);
  }

  #disconnect(): void {
    this.#clock.clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const source = this.#source;
    this.#source = null;
    if (source !== null) {
      source.onopen = source.onmessage = source.onerror = null;
      source.close();
    }
  }

  #setState(state: NotifyState): void {
    if (this.#state !== state) {
      this.#state = state;
      this.#events.onState?.(state);
    }
  }
}
