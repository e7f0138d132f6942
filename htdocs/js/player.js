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
import { ApiError } from "./api.js";
import { retryDelayMs } from "./backoff.js";
import { sleep, systemClock } from "./clock.js";
import { UnsupportedType } from "./media_source_sink.js";
import { SilenceWatch } from "./silence.js";
import { Sound, openMediaSource } from "./sound.js";
/** Only a connection that held for so long counts as a success, so that one that breaks at once is not hammered. */
const heldMs = 5000;
export class Player {
    #api;
    #listenerId;
    #clock;
    #random;
    #events;
    #sound;
    #silence;
    /** From `play()` to `stop()`. */
    #session = null;
    /** One request of the stream. */
    #connection = null;
    /** Ends the wait before the next attempt. */
    #wait = null;
    #phase = "connecting";
    #joined = false;
    #problem = null;
    #state = "stopped";
    #reportedProblem = null;
    constructor(options) {
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
    get state() {
        return this.#state;
    }
    /** Joins the stream at its newest. */
    play() {
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
    stop() {
        this.#leave(null);
    }
    /** Does not wait any longer if it is waiting: for when the browser says that the network is back. */
    retryNow() {
        this.#wait?.abort();
    }
    /**
     * Tells what the server last said about the source, if the caller hears of it (`Notifications`). It spares the
     * player to ask by itself whenever the stream is silent.
     */
    serverSays(says) {
        this.#silence.serverSays(says);
        this.#update();
    }
    /**
     * Calls back when what arrives at this moment is heard; at once while nothing is heard. For what has to change in
     * step with the sound.
     */
    whenHeard(callback) {
        this.#sound.playhead.whenHeard(callback);
    }
    /** From 0 to 1. */
    get volume() {
        return this.#sound.volume;
    }
    set volume(volume) {
        this.#sound.volume = volume;
    }
    get muted() {
        return this.#sound.muted;
    }
    set muted(muted) {
        this.#sound.muted = muted;
    }
    /** Some phones leave the volume to their own buttons, and ignore what a page wants. */
    get volumeCanBeSet() {
        return this.#sound.volumeCanBeSet;
    }
    async #listen(session) {
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
    async #connect(session) {
        const { controller, unlink } = linkedTo(session);
        this.#connection = controller;
        this.#phase = "connecting";
        this.#update();
        try {
            const { sink } = this.#sound;
            await (sink === null ? this.#playAddress(controller.signal) : this.#readStream(sink, controller.signal));
            return new Error("The stream has ended");
        }
        catch (error) {
            return errorOf(error);
        }
        finally {
            unlink();
            this.#silence.end();
            // The request is still open when it was our end that failed.
            controller.abort();
        }
    }
    async #readStream(sink, signal) {
        const response = await this.#api.stream(this.#listenerId, { signal });
        try {
            await sink.begin(response.headers.get("Content-Type") ?? "audio/mpeg");
        }
        catch (error) {
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
    #playAddress(signal) {
        const ended = this.#sound.playAddress(this.#api.streamUrl(this.#listenerId), signal);
        this.#opened();
        return ended;
    }
    #opened() {
        this.#phase = "open";
        this.#joined = true;
        this.#problem = null;
        this.#silence.begin();
        this.#update();
    }
    #received() {
        this.#silence.received();
        this.#events.onReceived?.();
    }
    /** Where the audio element fetches the stream nobody sees the bytes come; that the sound goes on has to do. */
    #progressed() {
        if (this.#sound.sink === null && this.#phase === "open") {
            this.#received();
        }
    }
    /** The next connection gets a sound that knows nothing of this one. */
    #soundFailed(error) {
        if (this.#session === null) {
            return;
        }
        this.#sound.close();
        this.#sound.open();
        this.#connection?.abort(error);
    }
    #leave(problem) {
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
    #update() {
        const state = this.#currentState();
        if (state !== this.#state || this.#problem !== this.#reportedProblem) {
            this.#state = state;
            this.#reportedProblem = this.#problem;
            this.#events.onState?.(state, this.#problem);
        }
    }
    #currentState() {
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
function linkedTo(parent) {
    const controller = new AbortController();
    const cancel = () => controller.abort(parent.reason);
    parent.addEventListener("abort", cancel);
    return { controller, unlink: () => parent.removeEventListener("abort", cancel) };
}
function errorOf(error) {
    return error instanceof Error ? error : new Error(String(error));
}
