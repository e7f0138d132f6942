/**
 * Time, as everything here that waits gets to see it. It is passed in, so that tests need not wait.
 */
export type TimerId = unknown;
export interface Clock {
    /** Milliseconds since some fixed moment; never goes back. */
    now(): number;
    setTimeout(callback: () => void, delayMs: number): TimerId;
    clearTimeout(timer: TimerId): void;
}
export declare const systemClock: Clock;
/** Resolves after `delayMs`, or as soon as `signal` is aborted; which of both, the caller looks up in the signal. */
export declare function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void>;
