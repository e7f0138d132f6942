/**
 * Where an audio element is in what it has: how much is still to be heard, and when a given moment is. Used by
 * `player`; changes nothing but the place itself.
 */
/** `HTMLMediaElement.HAVE_FUTURE_DATA`: with less the browser plays nothing. */
const haveFutureData = 3;
/** Shorter than a frame; a timer would be no more exact. */
const soonestMs = 20;
export class Playhead {
    #audio;
    #clock;
    #awaited = [];
    #timer = null;
    constructor(audio, clock) {
        this.#audio = audio;
        this.#clock = clock;
    }
    /** The newest sound that has arrived, in seconds on the element's own time line. */
    get end() {
        const { buffered } = this.#audio;
        return buffered.length === 0 ? 0 : buffered.end(buffered.length - 1);
    }
    /** Seconds of sound that have arrived and not been heard. */
    get ahead() {
        return this.end - this.#audio.currentTime;
    }
    /** Nothing is played, for want of sound. */
    get starved() {
        return this.#audio.readyState < haveFutureData;
    }
    /** Goes on with what is `ahead` seconds before the newest. */
    jump(ahead) {
        this.#audio.currentTime = this.end - ahead;
    }
    /** Calls back when what arrives at this moment is heard; at once when nothing is being played. */
    whenHeard(callback) {
        this.#awaited.push({ at: this.end, callback });
        this.moved();
    }
    /** The place has changed, or may have: whoever waits for it is called. */
    moved() {
        this.#clock.clearTimeout(this.#timer);
        const { currentTime, playbackRate } = this.#audio;
        // Having run dry, the browser may stop a little before the end.
        while (this.#awaited[0] !== undefined && (this.starved || this.#awaited[0].at <= currentTime)) {
            this.#awaited.shift()?.callback();
        }
        const [next] = this.#awaited;
        if (next !== undefined) {
            const delayMs = ((next.at - currentTime) / playbackRate) * 1000;
            this.#timer = this.#clock.setTimeout(() => this.moved(), Math.max(soonestMs, delayMs));
        }
    }
    /** What is there will not be heard any more. */
    dropped() {
        this.#clock.clearTimeout(this.#timer);
        for (const { callback } of this.#awaited.splice(0)) {
            callback();
        }
    }
}
