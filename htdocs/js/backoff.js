/**
 * How long to wait before a connection is tried again: a pure function, used by `notify` and `player`.
 *
 * The wait is drawn from the whole range between nothing and a bound that doubles ("full jitter"): when a server
 * with thousands of listeners comes back, they return spread over that range and not all at the same instant.
 */
export const reconnectBackoff = { firstMs: 1000, longestMs: 30_000 };
/**
 * @param attempt how many attempts have failed since the last connection that held; 0 right after it broke
 * @param random a number from 0 up to but not including 1
 * @param retryAfterSeconds what the server asked for (the `Retry-After` header): waited for in any case, and the
 *   same again at random, since everybody who was sent away was given the same number
 */
export function retryDelayMs(attempt, random, retryAfterSeconds, backoff = reconnectBackoff) {
    if (retryAfterSeconds !== undefined) {
        const askedMs = Math.min(retryAfterSeconds * 1000, 10 * backoff.longestMs);
        return askedMs + random * Math.max(askedMs, backoff.firstMs);
    }
    // 2 ** 31 is far beyond any bound; without a limit the power would become Infinity.
    const boundMs = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(attempt, 31));
    return random * boundMs;
}
