/**
 * Plays the stream, and keeps its lag small. Joins it, hands it to the browser (`sound`), finds connections that are
 * dead (`silence`), and joins again after each failure (`backoff`). Knows nothing of a page: it takes an audio
 * element and reports through callbacks.
 *
 *     const player = new Player({ api, listenerId, onState: (state) => … });
 *     button.onclick = () => player.play();   // browsers let a page begin with sound in answer to a person only
 *
 * Playing means being in the stream, and stopping means leaving it: there is nothing to resume in a live stream.
 */

import { ApiError, type Api, type ListenerId } from "./api.js";
import { retryDelayMs } from "./backoff.js";
import { sleep, systemClock, type Clock } from "./clock.js";
import { UnsupportedType, type Sink } from "./media_source_sink.js";
import { SilenceWatch, type ServerSays } from "./silence.js";
import { Sound, openMediaSource, type OpenSink } from "./sound.js";

export type PlayerState =
  /** Not in the stream. */
  | "stopped"
  /** Joining for the first time since `play()`. */
  | "connecting"
  /** In the stream, and not enough of it there to be heard. */
  | "buffering"
  | "playing"
  /** In the stream, and the source has stopped: there is nothing to hear, and nothing wrong. */
  | "silent"
  /** The connection was lost; it is being tried again, or will be. */
  | "reconnecting";

export interface PlayerEvents {
  /** With what went wrong, if something did: fit to be shown. */
  onState?: (state: PlayerState, problem: string | null) => void;
  /** Seconds of sound that have arrived and not been heard, a few times a second; `null` when nothing is heard. */
  onLag?: (seconds: number | null) => void;
  onVolume?: (volume: number, muted: boolean) => void;
  /** Bytes have come: an event that hidden pages get on time too, unlike those of timers. */
  onReceived?: () => void;
}

export interface PlayerOptions extends PlayerEvents {
  api: Pick<Api, "stream" | "streamUrl" | "metadata">;
  listenerId: ListenerId;
  audio?: HTMLAudioElement;
  clock?: Clock;
  random?: () => number;
  openSink?: OpenSink;
}

/** Only a connection that held for so long counts as a success, so that one that breaks at once is not hammered. */
const heldMs = 5000;

export class Player {
  readonly #api: PlayerOptions["api"];
  readonly #listenerId: ListenerId;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #events: PlayerEvents;
  readonly #sound: Sound;
  readonly #silence: SilenceWatch;

  /** From `play()` to `stop()`. */
  #session: AbortController | null = null;
  /** One request of the stream. */
  #connection: AbortController | null = null;
  /** Ends the wait before the next attempt. */
  #wait: AbortController | null = null;
  #phase: "connecting" | "open" | "waiting" = "connecting";
  #joined = false;
  #problem: string | null = null;
  #state: PlayerState = "stopped";
  #reportedProblem: string | null = null;

  constructor(options: PlayerOptions) {
    this.#api = options.api;
    this.#listenerId = options.listenerId;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#events = options;
    this.#silence = new SilenceWatch({
      clock: this.#clock,
      random: this.#random,
      ask: async () => ((await this.#api.metadata()).track === null ? "stopped" : "playing"),
      onDead: (error) => this.#connection?.abort(error),
      onLook: () => {
        this.#sound.look();
        this.#update();
      },
    });
    this.#sound = new Sound(options.audio ?? new Audio(), this.#clock, options.openSink ?? openMediaSource, {
      onChange: () => this.#update(),
      onProgress: () => this.#progressed(),
      onLag: (seconds) => this.#events.onLag?.(seconds),
      onVolume: (volume, muted) => this.#events.onVolume?.(volume, muted),
      onFailure: (error) => this.#soundFailed(error),
      onDenied: () => this.#leave("The browser wants you to press play first"),
      onPaused: () => this.stop(),
    });
  }

  get state(): PlayerState {
    return this.#state;
  }

  /** Joins the stream at its newest. */
  play(): void {
    if (this.#session !== null) {
      return;
    }
    const session = new AbortController();
    this.#session = session;
    this.#joined = false;
    this.#problem = null;
    this.#phase = "connecting";
    this.#sound.open();
    void this.#listen(session.signal);
  }

  /** Leaves the stream. */
  stop(): void {
    this.#leave(null);
  }

  /** Does not wait any longer if it is waiting: for when the browser says that the network is back. */
  retryNow(): void {
    this.#wait?.abort();
  }

  /**
   * Tells what the server last said about the source, if the caller hears of it (`Notifications`). It spares the
   * player to ask by itself whenever the stream is silent.
   */
  serverSays(says: ServerSays): void {
    this.#silence.serverSays(says);
    this.#update();
  }

  /**
   * Calls back when what arrives at this moment is heard; at once while nothing is heard. For what has to change in
   * step with the sound.
   */
  whenHeard(callback: () => void): void {
    this.#sound.playhead.whenHeard(callback);
  }

  /** From 0 to 1. */
  get volume(): number {
    return this.#sound.volume;
  }

  set volume(volume: number) {
    this.#sound.volume = volume;
  }

  get muted(): boolean {
    return this.#sound.muted;
  }

  set muted(muted: boolean) {
    this.#sound.muted = muted;
  }

  /** Some phones leave the volume to their own buttons, and ignore what a page wants. */
  get volumeCanBeSet(): boolean {
    return this.#sound.volumeCanBeSet;
  }

  async #listen(session: AbortSignal): Promise<void> {
    let failures = 0;
    while (!session.aborted) {
      const since = this.#clock.now();
      const error = await this.#connect(session);
      if (session.aborted) {
        return;
      }
      if (this.#phase === "open" && this.#clock.now() - since >= heldMs) {
        failures = 0;
      }
      this.#problem = error.message;
      this.#phase = "waiting";
      this.#update();
      const asked = error instanceof ApiError ? error.retryAfterSeconds : undefined;
      const wait = linkedTo(session);
      this.#wait = wait.controller;
      await sleep(this.#clock, retryDelayMs(failures, this.#random(), asked), wait.controller.signal);
      wait.unlink();
      failures += 1;
    }
  }

  /** One connection, from its beginning to its end, which is always some failure. */
  async #connect(session: AbortSignal): Promise<Error> {
    const { controller, unlink } = linkedTo(session);
    this.#connection = controller;
    this.#phase = "connecting";
    this.#update();
    try {
      const { sink } = this.#sound;
      await (sink === null ? this.#playAddress(controller.signal) : this.#readStream(sink, controller.signal));
      return new Error("The stream has ended");
    } catch (error) {
      return errorOf(error);
    } finally {
      unlink();
      this.#silence.end();
      // The request is still open when it was our end that failed.
      controller.abort();
    }
  }

  async #readStream(sink: Sink, signal: AbortSignal): Promise<void> {
    const response = await this.#api.stream(this.#listenerId, { signal });
    try {
      await sink.begin(response.headers.get("Content-Type") ?? "audio/mpeg");
    } catch (error) {
      await response.body?.cancel();
      if (error instanceof UnsupportedType) {
        return this.#playAddress(signal);
      }
      this.#soundFailed(errorOf(error));
      throw error;
    }
    signal.throwIfAborted();
    this.#opened();
    const reader = response.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || value === undefined) {
        return;
      }
      signal.throwIfAborted();
      this.#received();
      sink.append(value);
    }
  }

  #playAddress(signal: AbortSignal): Promise<void> {
    const ended = this.#sound.playAddress(this.#api.streamUrl(this.#listenerId), signal);
    this.#opened();
    return ended;
  }

  #opened(): void {
    this.#phase = "open";
    this.#joined = true;
    this.#problem = null;
    this.#silence.begin();
    this.#update();
  }

  #received(): void {
    this.#silence.received();
    this.#events.onReceived?.();
  }

  /** Where the audio element fetches the stream nobody sees the bytes come; that the sound goes on has to do. */
  #progressed(): void {
    if (this.#sound.sink === null && this.#phase === "open") {
      this.#received();
    }
  }

  /** The next connection gets a sound that knows nothing of this one. */
  #soundFailed(error: Error): void {
    if (this.#session === null) {
      return;
    }
    this.#sound.close();
    this.#sound.open();
    this.#connection?.abort(error);
  }

  #leave(problem: string | null): void {
    if (this.#session === null) {
      return;
    }
    const session = this.#session;
    this.#session = null;
    session.abort();
    this.#problem = problem;
    this.#sound.close();
    this.#update();
  }

  #update(): void {
    const state = this.#currentState();
    if (state !== this.#state || this.#problem !== this.#reportedProblem) {
      this.#state = state;
      this.#reportedProblem = this.#problem;
      this.#events.onState?.(state, this.#problem);
    }
  }

  #currentState(): PlayerState {
    if (this.#session === null) {
      return "stopped";
    }
    if (this.#phase !== "open") {
      return this.#joined || this.#phase === "waiting" ? "reconnecting" : "connecting";
    }
    if (!this.#sound.playhead.starved) {
      return "playing";
    }
    return this.#silence.quiet ? "silent" : "buffering";
  }
}

/** A controller that is also aborted, with the same reason, when `parent` is; until it is unlinked. */
function linkedTo(parent: AbortSignal): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  const cancel = () => controller.abort(parent.reason);
  parent.addEventListener("abort", cancel);
  return { controller, unlink: () => parent.removeEventListener("abort", cancel) };
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
