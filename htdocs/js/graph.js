/**
 * The small graph of the lag over the last minute, drawn by uPlot. Used by `ui`, which loads it after the page is
 * there. Takes its colours from the style sheet.
 */
import { heldHigh, heldLow } from "./latency.js";
import uPlot from "./vendor/uplot.js";
const shownSeconds = 60;
/** The scale's least height: so that small changes look small. */
const leastTop = 0.5;
const height = 96;
export class LagGraph {
    #element;
    #plot;
    #times = [];
    #lags = [];
    constructor(element) {
        this.#element = element;
        this.#plot = this.#create();
        new ResizeObserver(() => this.#plot.setSize({ width: this.#width(), height })).observe(element);
        // The canvas has been drawn in the other scheme's colours.
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot.redraw());
    }
    /** One more point of the line; `null` interrupts it. */
    add(seconds, lag) {
        if (lag === null && (this.#lags.at(-1) ?? null) === null) {
            return;
        }
        this.#times.push(seconds);
        this.#lags.push(lag);
    }
    /** Draws up to this moment. */
    draw(now) {
        if (this.#times.length === 0) {
            return;
        }
        const oldest = now - shownSeconds;
        const first = this.#times.findIndex((time) => time >= oldest);
        const dropped = first === -1 ? this.#times.length : first;
        this.#times = this.#times.slice(dropped);
        this.#lags = this.#lags.slice(dropped);
        const data = [this.#times.map((time) => time - now), this.#lags];
        this.#plot.setData(data);
    }
    #create() {
        const plot = new uPlot({
            width: this.#width(),
            height,
            legend: { show: false },
            cursor: { show: false },
            padding: [8, 0, 8, 0],
            scales: {
                x: { time: false, range: [-shownSeconds, 0] },
                y: { range: (_plot, _low, high) => [0, Math.max(leastTop, (high ?? 0) * 1.1)] },
            },
            axes: [
                { show: false },
                {
                    size: 46,
                    gap: 6,
                    font: "12px system-ui, sans-serif",
                    stroke: () => this.#colour("--soft"),
                    splits: (_plot, _axis, _low, high) => [0, roundedTop(high) / 2, roundedTop(high)],
                    values: (_plot, splits) => splits.map((value) => `${value} s`),
                    ticks: { show: false },
                    grid: { stroke: () => this.#colour("--line"), width: 1 },
                },
            ],
            series: [
                {},
                {
                    stroke: () => this.#colour("--accent"),
                    fill: () => this.#colour("--accent-faint"),
                    width: 2,
                    points: { show: false },
                    spanGaps: false,
                },
            ],
            hooks: { drawClear: [(drawn) => this.#drawHeld(drawn)] },
        }, [[], []], this.#element);
        return plot;
    }
    /** The band that the lag is held in. */
    #drawHeld(plot) {
        const top = plot.valToPos(heldHigh, "y", true);
        const bottom = plot.valToPos(heldLow, "y", true);
        plot.ctx.save();
        plot.ctx.fillStyle = this.#colour("--band");
        plot.ctx.fillRect(plot.bbox.left, top, plot.bbox.width, bottom - top);
        plot.ctx.restore();
    }
    #width() {
        return Math.max(120, this.#element.clientWidth);
    }
    #colour(name) {
        return getComputedStyle(this.#element).getPropertyValue(name).trim();
    }
}
/** The greatest mark of the scale: 0.5, 1, 2, 4, … */
function roundedTop(high) {
    return Math.max(leastTop, 2 ** Math.floor(Math.log2(high)));
}
