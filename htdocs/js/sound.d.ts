/**
 * The browser's end of the stream: an audio element, what feeds it, and the control of its lag. Used by `player`,
 * which sees to the connections; knows nothing of any server.
 */
import type { Clock } from "./clock.js";
import { type Sink, type SinkEvents } from "./media_source_sink.js";
import { Playhead } from "./playhead.js";
export interface SoundEvents {
    /** Whether anything is heard may have changed. */
    onChange(): void;
    /** The place in the stream has moved on, by the element's own account. */
    onProgress(): void;
    /** Seconds that have arrived and not been heard, a few times a second; `null` when nothing is heard. */
    onLag(seconds: number | null): void;
    onVolume(volume: number, muted: boolean): void;
    /** The sound cannot go on like this; `close()` and `open()` again. */
    onFailure(error: Error): void;
    /** The browser lets a page begin with sound in answer to a person only. */
    onDenied(): void;
    /** Somebody else has paused it: a telephone call, headphones pulled out. */
    onPaused(): void;
}
/** Where the bytes go. `null`: nowhere, the audio element has to fetch the stream by itself. */
export type OpenSink = (audio: HTMLAudioElement, events: SinkEvents) => Sink | null;
export declare const openMediaSource: OpenSink;
export declare class Sound {
    #private;
    readonly playhead: Playhead;
    constructor(audio: HTMLAudioElement, clock: Clock, openSink: OpenSink, events: SoundEvents);
    /** Where to write the stream to; `null` when the audio element has to fetch it: `playAddress`. */
    get sink(): Sink | null;
    /** To be called in answer to a person's click, or the browser may not play. */
    open(): void;
    close(): void;
    /**
     * Lets the audio element fetch the stream: all that can be done about its lag then is to play faster. Resolves
     * when the stream has ended, rejects when it failed or `signal` was aborted.
     */
    playAddress(url: string, signal: AbortSignal): Promise<void>;
    /** To be called now and then while nothing arrives, when no event would tell that the sound has run out. */
    look(): void;
    get volume(): number;
    set volume(volume: number);
    get muted(): boolean;
    set muted(muted: boolean);
    get volumeCanBeSet(): boolean;
}
