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
export declare const heldLow = 0.15;
export declare const heldHigh = 0.3;
/** Where a changed rate, and a jump, lead to. */
export declare const target = 0.22;
/** Below it there is a danger of running dry. */
export declare const scarce = 0.1;
/** Above it the rate is raised further. */
export declare const plenty = 0.5;
/** Above it catching up would take too long: the sound jumps. */
export declare const tooMuch = 1;
export declare const rates: {
    readonly slower: 0.96;
    readonly normal: 1;
    readonly faster: 1.04;
    readonly fastest: 1.08;
};
export interface Reading {
    /** Seconds of sound from where it is being played to the newest that has arrived; negative when played past it. */
    ahead: number;
    /** The rate that it is played at now. */
    rate: number;
    /** The browser plays nothing, for want of sound (at the start too). */
    starved: boolean;
    /** It has been heard since the stream was joined. */
    started: boolean;
    /** Infinity, if it has not jumped. */
    sinceJumpMs: number;
    /** The browser lets the place be changed. */
    canJump: boolean;
}
export type Action = {
    kind: "hold";
} | {
    kind: "rate";
    rate: number;
} | {
    kind: "jump";
    ahead: number;
};
export declare function control(reading: Reading): Action;
