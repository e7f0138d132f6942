/**
 * How the player keeps its lag small: a pure function from what is buffered to what is to be done about it, called
 * whenever sound has arrived. Used by `player`; tested with a table.
 *
 * Between 150 and 300 ms nothing is done. Above, the sound is played a little faster until it is back at the
 * middle; far above, what is too old is jumped over. Below 100 ms it is played a little slower, so that the next
 * hiccup of the network finds something in store. The bounds for leaving a rate lie well inside those for entering
 * it: a rate is changed seldom, which nobody hears.
 */
/** What the lag is kept in, in seconds of sound that have arrived and not been heard. */
export const heldLow = 0.15;
export const heldHigh = 0.3;
/** Where a changed rate, and a jump, lead to. */
export const target = 0.22;
/** Below it there is a danger of running dry. */
export const scarce = 0.1;
/** Above it the rate is raised further. */
export const plenty = 0.5;
/** Above it catching up would take too long: the sound jumps. */
export const tooMuch = 1;
/** A jump needs time to take effect; until then its numbers are old. */
const jumpTakesMs = 600;
export const rates = { slower: 0.96, normal: 1, faster: 1.04, fastest: 1.08 };
export function control(reading) {
    const { ahead, starved, started, sinceJumpMs, canJump } = reading;
    if (!started) {
        // What has come while the browser was getting ready need not be heard; though once is enough, or a slow one would
        // never begin.
        return canJump && ahead > heldHigh && sinceJumpMs === Infinity ? { kind: "jump", ahead: target } : { kind: "hold" };
    }
    const mayJump = canJump && sinceJumpMs >= jumpTakesMs;
    if (ahead > tooMuch && mayJump) {
        return { kind: "jump", ahead: target };
    }
    if (starved) {
        // The sound is interrupted anyway, so that going on with the newest costs nothing. It also makes the browser
        // forget that it ran dry: Chromium would wait for twice as much sound before each new start.
        return mayJump && ahead >= target ? { kind: "jump", ahead: target } : rateAction(reading, rates.normal);
    }
    return rateAction(reading, wantedRate(ahead, reading.rate));
}
function wantedRate(ahead, rate) {
    if (ahead > plenty) {
        return rates.fastest;
    }
    if (ahead > heldHigh) {
        // On the way down from more than `plenty` the higher rate stays until here.
        return rate === rates.fastest ? rates.fastest : rates.faster;
    }
    if (ahead < scarce) {
        return rates.slower;
    }
    if (rate > rates.normal && ahead > target) {
        return rates.faster;
    }
    if (rate < rates.normal && ahead < heldLow) {
        return rates.slower;
    }
    return rates.normal;
}
function rateAction({ rate }, wanted) {
    return rate === wanted ? { kind: "hold" } : { kind: "rate", rate: wanted };
}
