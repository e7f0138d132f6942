/**
 * The small graph of the lag over the last minute. Used by `ui`, which loads it after the page is there.
 */
export declare class LagGraph {
    #private;
    constructor(element: HTMLElement);
    /** One more point of the line; `null` interrupts it. */
    add(seconds: number, lag: number | null): void;
    /** Draws up to this moment. */
    draw(now: number): void;
}
