/**
 * Time, as everything here that waits gets to see it. It is passed in, so that tests need not wait.
 */
export const systemClock = {
    now: () => performance.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (timer) => clearTimeout(timer),
};
/** Resolves after `delayMs`, or as soon as `signal` is aborted; which of both, the caller looks up in the signal. */
export function sleep(clock, delayMs, signal) {
    return new Promise((resolve) => {
        if (signal.aborted) {
            resolve();
            return;
        }
        const done = () => {
            clock.clearTimeout(timer);
            signal.removeEventListener("abort", done);
            resolve();
        };
        const timer = clock.setTimeout(done, delayMs);
        signal.addEventListener("abort", done);
    });
}
