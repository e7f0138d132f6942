/**
 * Live notifications: what plays, and the counts, as soon as they change. Over the server's WebSocket; over
 * server-sent events where some proxy lets no WebSocket through. Connects again by itself, for as long as it takes.
 *
 *     const notifications = new Notifications({ api, onMetadata: (metadata) => … });
 *     notifications.start();
 */
import { type Api, type Metadata } from "./api.js";
import { type Clock } from "./clock.js";
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
type Transport = "websocket" | "events";
/**
 * Which way to try next. A WebSocket, until it could not be opened some times in a row; then both by turns, since
 * it may be the server that is away, and not the WebSocket that is not let through.
 */
export declare function nextTransport(failures: number, websocketWorkedBefore: boolean): Transport;
export declare class Notifications {
    #private;
    constructor(options: NotifyOptions);
    get state(): NotifyState;
    start(): void;
    stop(): void;
    /** Does not wait any longer if it is waiting: for when the browser says that the network is back. */
    retryNow(): void;
    /**
     * Sends the keep-alive if it is due, and looks whether the last one was answered. A timer calls this; whoever
     * has another regular event may call it too, as often as he likes: browsers slow down the timers of hidden pages.
     */
    keepAlive(): void;
}
export {};
