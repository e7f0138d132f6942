/**
 * A uPlot in an element of a page: as wide as that is, and in the colours of its style sheet, light or dark. Used by
 * the player's graph of the lag and by the status page.
 */
import type { AlignedData, Axis, Options } from "uplot";
export declare class Plot {
    #private;
    /** `options` may ask this plot for colours: they are looked up whenever it is drawn. */
    constructor(element: HTMLElement, height: number, options: (plot: Plot) => Omit<Options, "width" | "height">);
    show(data: AlignedData): void;
    /** The value of one of the style sheet's variables. */
    colour(name: string): string;
    /** An axis with its numbers and a line across for each of them. */
    valueAxis(rest: Axis): Axis;
}
