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
import { systemClock } from "./clock.js";
export class ApiError extends Error {
    name = "ApiError";
    /** The HTTP status; 0 when there was no answer, or none that could be understood. */
    status;
    /** What the server's `Retry-After` header asked for. */
    retryAfterSeconds;
    constructor(status, message, retryAfterSeconds) {
        super(message);
        this.status = status;
        this.retryAfterSeconds = retryAfterSeconds;
    }
}
export class Api {
    #base;
    #streamPath;
    #timeoutMs;
    #fetch;
    #clock;
    constructor(options = {}) {
        this.#base = new URL(options.base ?? globalThis.location.href);
        this.#streamPath = options.streamPath ?? "stream.mp3";
        this.#timeoutMs = options.timeoutMs ?? 8000;
        // Called as a method of this object, the browser's own fetch would refuse to work.
        this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
        this.#clock = options.clock ?? systemClock;
    }
    /** The address of the stream. Without an id the server makes one up: for people who type it into a player. */
    streamUrl(id) {
        return this.#url(this.#streamPath, id).href;
    }
    /** The address of the WebSocket; `notify.js` speaks to it. */
    notifyUrl() {
        const url = this.#url("v1/ws/notify");
        url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
        return url.href;
    }
    /** The address of the server-sent events, for where a WebSocket cannot be had. */
    eventsUrl() {
        return this.#url("v1/events").href;
    }
    /**
     * Joins the stream: resolves once the head of the answer is there, and its endless body can be read. `signal`
     * ends the body too.
     */
    async stream(id, options = {}) {
        const request = this.#open(options);
        try {
            return await this.#fetchWith(request, this.#url(this.#streamPath, id), "GET");
        }
        finally {
            request.stopClock();
        }
    }
    async metadata(options = {}) {
        return readMetadata(await this.#fetchJson(this.#url("v1/metadata"), "GET", options));
    }
    /**
     * Votes to skip the track that is playing; voting twice counts once. Fails with 404 when no stream with this id
     * is open, with 409 when nothing plays.
     */
    async veto(id, options = {}) {
        await this.#fetchJson(this.#url("v1/veto", id), "PUT", options);
    }
    #url(path, id) {
        const url = new URL(path, this.#base);
        url.hash = "";
        if (id !== undefined) {
            url.searchParams.set("listener_id", id);
        }
        return url;
    }
    async #fetchJson(url, method, options) {
        const request = this.#open(options);
        try {
            const response = await this.#fetchWith(request, url, method);
            return await response.json().catch((error) => {
                throw request.failure(error, "The server's answer is no JSON");
            });
        }
        finally {
            request.stopClock();
            request.forgetCaller();
        }
    }
    async #fetchWith(request, url, method) {
        let response;
        try {
            response = await this.#fetch(url, { method, cache: "no-store", signal: request.signal });
        }
        catch (error) {
            throw request.failure(error, "The server cannot be reached");
        }
        if (!response.ok) {
            throw await errorOf(response);
        }
        return response;
    }
    /** A request's signal: aborted by the caller's, or when its time is up. */
    #open({ signal }) {
        signal?.throwIfAborted();
        const abort = new AbortController();
        const cancel = () => abort.abort(signal?.reason);
        signal?.addEventListener("abort", cancel);
        const timer = this.#clock.setTimeout(() => abort.abort(new ApiError(0, "The server does not answer")), this.#timeoutMs);
        return {
            signal: abort.signal,
            stopClock: () => this.#clock.clearTimeout(timer),
            forgetCaller: () => signal?.removeEventListener("abort", cancel),
            failure: (error, what) => abort.signal.aborted ? abort.signal.reason : new ApiError(0, `${what}: ${describe(error)}`),
        };
    }
}
/** An id of one's own: 63 random bits. Keep it, so that a listener who comes back is the same one. */
export function randomListenerId(source = globalThis.crypto) {
    const [bits = 0n] = source.getRandomValues(new BigUint64Array(1));
    return BigInt.asUintN(63, bits).toString();
}
export function isListenerId(text) {
    return /^[0-9]{1,19}$/.test(text) && BigInt(text) < 2n ** 63n;
}
/** The metadata in an answer of `GET /v1/metadata`. Throws an `ApiError` when that is not what it is. */
export function readMetadata(value) {
    const { current_track, listener_count, veto_count } = objectOf(value);
    return {
        track: current_track === undefined || current_track === null ? null : readTrack(current_track),
        listenerCount: countOf(listener_count),
        vetoCount: countOf(veto_count),
    };
}
/**
 * What a notification says: the metadata it carries; `"changed"` when it carries none, so that they have to be
 * asked for; `null` when it is about something else, or is none.
 */
export function readNotification(text) {
    try {
        const { action, metadata } = objectOf(JSON.parse(text));
        if (action !== "notify") {
            return null;
        }
        return metadata === undefined ? "changed" : readMetadata(metadata);
    }
    catch {
        return null;
    }
}
function readTrack(value) {
    const { uri, name } = objectOf(value);
    return { uri: textOf(uri), name: textOf(name) };
}
function objectOf(value) {
    if (typeof value !== "object" || value === null) {
        throw new ApiError(0, "The server's answer is not an object");
    }
    return value;
}
function textOf(value) {
    if (value !== undefined && typeof value !== "string") {
        throw new ApiError(0, "The server's answer has something else where a text belongs");
    }
    return value ?? "";
}
function countOf(value) {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
        throw new ApiError(0, "The server's answer has something else where a count belongs");
    }
    return value;
}
async function errorOf(response) {
    let message = "";
    try {
        message = textOf(objectOf(await response.json())["error"]);
    }
    catch {
        // A proxy's page, or nothing at all: the status has to do.
    }
    const retryAfter = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    return new ApiError(response.status, message || `The server answered ${response.status} ${response.statusText}`.trimEnd(), Number.isNaN(retryAfter) ? undefined : Math.max(0, retryAfter));
}
function describe(error) {
    return error instanceof Error ? error.message : String(error);
}
