/**
 * A uPlot in an element of a page: as wide as that is, and in the colours of its style sheet, light or dark. Used by
 * the player's graph of the lag and by the status page.
 */
import uPlot from "./vendor/uplot.js";
const widthMin = 120;
const font = "12px system-ui, sans-serif";
export class Plot {
    #element;
    #plot;
    /** `options` may ask this plot for colours: they are looked up whenever it is drawn. */
    constructor(element, height, options) {
        this.#element = element;
        const all = { legend: { show: false }, cursor: { show: false }, ...options(this), width: this.#width(), height };
        this.#plot = new uPlot(all, all.series.map(() => []), element);
        new ResizeObserver(() => this.#plot.setSize({ width: this.#width(), height })).observe(element);
        // The canvas has been drawn in the other scheme's colours.
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot.redraw());
    }
    show(data) {
        this.#plot.setData(data);
    }
    /** The value of one of the style sheet's variables. */
    colour(name) {
        return getComputedStyle(this.#element).getPropertyValue(name).trim();
    }
    /** An axis with its numbers and a line across for each of them. */
    valueAxis(rest) {
        return {
            gap: 6,
            font,
            stroke: () => this.colour("--soft"),
            ticks: { show: false },
            grid: { stroke: () => this.colour("--line"), width: 1 },
            ...rest,
        };
    }
    #width() {
        return Math.max(widthMin, this.#element.clientWidth);
    }
}
