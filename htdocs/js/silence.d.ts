/**
 * What to make of a stream that sends nothing: a pure function, and who asks it once a second. Used by `player`.
 *
 * While the source is stopped silence is as it should be; while it plays, it means that the connection is dead. A
 * connection can die without either end being told, so that somebody has to look.
 */
import type { Clock } from "./clock.js";
/** What the server last said about the source. `unknown`: it was not asked, or could not be reached. */
export type ServerSays = "playing" | "stopped" | "unknown";
export interface Silence {
    /** Since the last bytes, or since the source began to play if that is later. */
    silentMs: number;
    says: ServerSays;
    /** Since the server last said it, or was asked. */
    sinceAskedMs: number;
    /** Asking has begun and not ended. */
    asking: boolean;
    /** From 0 up to but not including 1; drawn once for each connection, so that not all act at the same instant. */
    random: number;
}
/** `quiet`: there is nothing to hear, and nothing wrong. */
export type Verdict = "wait" | "ask" | "quiet" | "reconnect";
export declare function judgeSilence({ silentMs, says, sinceAskedMs, asking, random }: Silence): Verdict;
export interface SilenceWatchOptions {
    clock: Clock;
    random: () => number;
    /** Asks the server; rejects when it cannot be reached. */
    ask(): Promise<ServerSays>;
    /** The connection has to be given up. */
    onDead(error: Error): void;
    /** Something may have changed: `quiet`, or the time. */
    onLook(): void;
}
export declare class SilenceWatch {
    #private;
    constructor(options: SilenceWatchOptions);
    /** There is nothing to hear, and nothing wrong. */
    get quiet(): boolean;
    /** A connection begins. */
    begin(): void;
    /** The connection has ended. */
    end(): void;
    /** Bytes have come. */
    received(): void;
    serverSays(says: ServerSays): void;
}
