/**
 * The client library of eradio's HTTP API, for this page and for those of other origins. It needs `fetch` and
 * nothing else of a browser, and never touches a document.
 *
 *     const api = new Api({ base: "https://radio.example/" });
 *     const { track, listenerCount } = await api.metadata();
 *
 * Live changes come through `Notifications` of `notify.js`, sound through `Player` of `player.js`. Every request
 * that fails rejects with an `ApiError`, except one that was aborted by the caller's own signal: that rejects with
 * the signal's reason, as `fetch` does.
 */
import { type Clock } from "./clock.js";
/** A decimal integer from 0 to 2^63-1. A string, since JavaScript's numbers are exact to 2^53 only. */
export type ListenerId = string;
export interface Track {
    /** Where the track is from; any scheme, or empty. Not fit for a link as it is: see `trackLink` of `track.js`. */
    uri: string;
    name: string;
}
/** What the server knows about the stream at one moment. */
export interface Metadata {
    /** `null` while nothing plays, or when the source does not say what. */
    track: Track | null;
    listenerCount: number;
    vetoCount: number;
}
export declare class ApiError extends Error {
    readonly name = "ApiError";
    /** The HTTP status; 0 when there was no answer, or none that could be understood. */
    readonly status: number;
    /** What the server's `Retry-After` header asked for. */
    readonly retryAfterSeconds: number | undefined;
    constructor(status: number, message: string, retryAfterSeconds?: number);
}
export interface ApiOptions {
    /** The server's address, with a path if it is behind a proxy that gives it one; default: the page's own. */
    base?: string | URL;
    /** Where the stream is, relative to `base` (the server's `stream_path`). */
    streamPath?: string;
    /** How long an answer may take. Holds for the head only of the stream, whose body is endless. */
    timeoutMs?: number;
    fetch?: typeof fetch;
    clock?: Clock;
}
export interface RequestOptions {
    signal?: AbortSignal;
}
export declare class Api {
    #private;
    constructor(options?: ApiOptions);
    /** The address of the stream. Without an id the server makes one up: for people who type it into a player. */
    streamUrl(id?: ListenerId): string;
    /** The address of the WebSocket; `notify.js` speaks to it. */
    notifyUrl(): string;
    /** The address of the server-sent events, for where a WebSocket cannot be had. */
    eventsUrl(): string;
    /**
     * Joins the stream: resolves once the head of the answer is there, and its endless body can be read. `signal`
     * ends the body too.
     */
    stream(id: ListenerId, options?: RequestOptions): Promise<Response>;
    metadata(options?: RequestOptions): Promise<Metadata>;
    /**
     * Votes to skip the track that is playing; voting twice counts once. Fails with 404 when no stream with this id
     * is open, with 409 when nothing plays.
     */
    veto(id: ListenerId, options?: RequestOptions): Promise<void>;
}
/** An id of one's own: 63 random bits. Keep it, so that a listener who comes back is the same one. */
export declare function randomListenerId(source?: Pick<Crypto, "getRandomValues">): ListenerId;
export declare function isListenerId(text: string): boolean;
/** The metadata in an answer of `GET /v1/metadata`. Throws an `ApiError` when that is not what it is. */
export declare function readMetadata(value: unknown): Metadata;
/**
 * What a notification says: the metadata it carries; `"changed"` when it carries none, so that they have to be
 * asked for; `null` when it is about something else, or is none.
 */
export declare function readNotification(text: string): Metadata | "changed" | null;
