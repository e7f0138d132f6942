/**
 * The browser's end of the stream: an audio element, what feeds it, and the control of its lag. Used by `player`,
 * which sees to the connections; knows nothing of any server.
 */
import { control, rates } from "./latency.js";
import { MediaSourceSink, mediaSourceConstructor } from "./media_source_sink.js";
import { Playhead } from "./playhead.js";
export const openMediaSource = (audio, events) => {
    const MediaSource = mediaSourceConstructor();
    return MediaSource === null ? null : new MediaSourceSink(audio, events, MediaSource);
};
const lagEveryMs = 250;
export class Sound {
    playhead;
    #audio;
    #clock;
    #openSink;
    #events;
    #isOpen = false;
    #sink = null;
    /** It has been heard since it was opened. */
    #started = false;
    #jumpedAt = -Infinity;
    #lagReportedAt = -Infinity;
    constructor(audio, clock, openSink, events) {
        this.#audio = audio;
        this.#clock = clock;
        this.#openSink = openSink;
        this.#events = events;
        this.playhead = new Playhead(audio, clock);
        audio.preload = "none";
        this.#followAudio();
    }
    /** Where to write the stream to; `null` when the audio element has to fetch it: `playAddress`. */
    get sink() {
        return this.#sink;
    }
    /** To be called in answer to a person's click, or the browser may not play. */
    open() {
        this.#isOpen = true;
        this.#started = false;
        this.#jumpedAt = -Infinity;
        const sink = this.#openSink(this.#audio, {
            onAppended: () => this.#control(),
            onFailure: (error) => this.#failed(sink, error),
        });
        this.#sink = sink;
        if (sink !== null) {
            this.#play();
        }
    }
    close() {
        this.#isOpen = false;
        this.#dropSink();
        this.#audio.pause();
        this.#audio.removeAttribute("src");
        this.#audio.load();
        this.#audio.playbackRate = rates.normal;
        this.playhead.dropped();
        this.#reportLag(null);
    }
    /**
     * Lets the audio element fetch the stream: all that can be done about its lag then is to play faster. Resolves
     * when the stream has ended, rejects when it failed or `signal` was aborted.
     */
    playAddress(url, signal) {
        const audio = this.#audio;
        this.#dropSink();
        audio.src = url;
        this.#play();
        return new Promise((resolve, reject) => {
            const ended = () => finish(() => resolve());
            const failed = () => finish(() => reject(this.#error()));
            const aborted = () => finish(() => reject(signal.reason));
            const finish = (settle) => {
                audio.removeEventListener("ended", ended);
                audio.removeEventListener("error", failed);
                signal.removeEventListener("abort", aborted);
                settle();
            };
            audio.addEventListener("ended", ended);
            audio.addEventListener("error", failed);
            signal.addEventListener("abort", aborted);
        });
    }
    /** To be called now and then while nothing arrives, when no event would tell that the sound has run out. */
    look() {
        if (this.playhead.starved) {
            this.#reportLag(null);
        }
        this.playhead.moved();
    }
    get volume() {
        return this.#audio.volume;
    }
    set volume(volume) {
        this.#audio.volume = Math.min(1, Math.max(0, volume));
    }
    get muted() {
        return this.#audio.muted;
    }
    set muted(muted) {
        this.#audio.muted = muted;
    }
    get volumeCanBeSet() {
        const before = this.#audio.volume;
        const other = before > 0.5 ? 0.25 : 0.75;
        this.#audio.volume = other;
        const canBeSet = this.#audio.volume === other;
        this.#audio.volume = before;
        return canBeSet;
    }
    #followAudio() {
        const audio = this.#audio;
        audio.addEventListener("waiting", () => {
            this.playhead.moved();
            this.#events.onChange();
        });
        audio.addEventListener("playing", () => {
            this.#started = true;
            this.#events.onChange();
        });
        audio.addEventListener("timeupdate", () => this.#progressed());
        audio.addEventListener("progress", () => this.#progressed());
        audio.addEventListener("error", () => this.#failed(this.#sink, this.#error()));
        audio.addEventListener("pause", () => {
            if (audio.paused && this.#isOpen && this.#started && !audio.ended) {
                this.#events.onPaused();
            }
        });
        audio.addEventListener("volumechange", () => this.#events.onVolume(audio.volume, audio.muted));
    }
    #progressed() {
        if (this.#isOpen) {
            this.#events.onProgress();
            if (this.#sink === null) {
                this.#control();
            }
            else {
                this.playhead.moved();
            }
        }
    }
    #play() {
        this.#audio.play().catch((error) => {
            // Others say that it was closed meanwhile, or come as an `error` event too.
            if (this.#isOpen && error instanceof DOMException && error.name === "NotAllowedError") {
                this.#events.onDenied();
            }
        });
    }
    #error() {
        const why = this.#audio.error?.message;
        return new Error(`The browser cannot play the stream${why ? `: ${why}` : ""}`);
    }
    #dropSink() {
        this.#sink?.close();
        this.#sink = null;
    }
    #failed(sink, error) {
        if (this.#isOpen && sink !== null && sink === this.#sink) {
            this.#events.onFailure(error);
        }
    }
    /** Does what `latency` says. Called whenever sound has arrived, which needs no timer that could be slowed down. */
    #control() {
        const now = this.#clock.now();
        const { ahead, starved } = this.playhead;
        const action = control({
            ahead,
            rate: this.#audio.playbackRate,
            starved,
            started: this.#started,
            sinceJumpMs: now - this.#jumpedAt,
            // What the audio element fetches by itself cannot be jumped in.
            canJump: this.#sink !== null,
        });
        if (action.kind === "rate") {
            this.#audio.playbackRate = action.rate;
        }
        else if (action.kind === "jump") {
            this.#jumpedAt = now;
            this.#audio.playbackRate = rates.normal;
            this.playhead.jump(action.ahead);
        }
        this.playhead.moved();
        this.#events.onChange();
        if (now - this.#lagReportedAt >= lagEveryMs) {
            this.#reportLag(starved ? null : ahead);
        }
    }
    #reportLag(seconds) {
        this.#lagReportedAt = this.#clock.now();
        this.#events.onLag(seconds);
    }
}
