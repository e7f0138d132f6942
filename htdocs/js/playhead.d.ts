/**
 * Where an audio element is in what it has: how much is still to be heard, and when a given moment is. Used by
 * `player`; changes nothing but the place itself.
 */
import type { Clock } from "./clock.js";
export declare class Playhead {
    #private;
    constructor(audio: HTMLAudioElement, clock: Clock);
    /** The newest sound that has arrived, in seconds on the element's own time line. */
    get end(): number;
    /** Seconds of sound that have arrived and not been heard. */
    get ahead(): number;
    /** Nothing is played, for want of sound. */
    get starved(): boolean;
    /** Goes on with what is `ahead` seconds before the newest. */
    jump(ahead: number): void;
    /** Calls back when what arrives at this moment is heard; at once when nothing is being played. */
    whenHeard(callback: () => void): void;
    /** The place has changed, or may have: whoever waits for it is called. */
    moved(): void;
    /** What is there will not be heard any more. */
    dropped(): void;
}
