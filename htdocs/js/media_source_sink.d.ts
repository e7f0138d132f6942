/**
 * Where the bytes of the stream go: a source buffer of an audio element. Used by `player`, which decides what is
 * played of it; this only sees to it that appending never stops. Frames that were skipped leave no gap, since the
 * source buffer puts whatever comes behind what it has ("sequence" mode).
 */
export interface SinkEvents {
    /** Sound has arrived in the buffer. */
    onAppended(): void;
    /** Nothing can be appended any more: a decoding error, or the browser has taken the buffer away. */
    onFailure(error: Error): void;
}
export interface Sink {
    /** A connection begins; the bytes to come have nothing to do with those before. */
    begin(contentType: string): Promise<void>;
    append(bytes: Uint8Array<ArrayBuffer>): void;
    close(): void;
}
/** The browser takes such a stream in no way. */
export declare class UnsupportedType extends Error {
}
type MediaSourceConstructor = typeof MediaSource;
/** iPhones have `ManagedMediaSource` only. */
export declare function mediaSourceConstructor(): MediaSourceConstructor | null;
export declare class MediaSourceSink implements Sink {
    #private;
    constructor(audio: HTMLAudioElement, events: SinkEvents, MediaSource: MediaSourceConstructor);
    begin(contentType: string): Promise<void>;
    append(bytes: Uint8Array<ArrayBuffer>): void;
    close(): void;
}
export {};
