/**
 * The small graph of the lag over the last minute. Used by `ui`, which loads it after the page is there.
 */
import { heldHigh, heldLow } from "./latency.js";
import { Plot } from "./plot.js";
const shownSeconds = 60;
/** The scale's least height: so that small changes look small. */
const leastTop = 0.5;
const height = 96;
export class LagGraph {
    #plot;
    #times = [];
    #lags = [];
    constructor(element) {
        this.#plot = new Plot(element, height, (plot) => ({
            padding: [8, 0, 8, 0],
            scales: {
                x: { time: false, range: [-shownSeconds, 0] },
                y: { range: (_plot, _low, high) => [0, Math.max(leastTop, (high ?? 0) * 1.1)] },
            },
            axes: [
                { show: false },
                plot.valueAxis({
                    size: 46,
                    splits: (_plot, _axis, _low, high) => [0, roundedTop(high) / 2, roundedTop(high)],
                    values: (_plot, splits) => splits.map((value) => `${value} s`),
                }),
            ],
            series: [
                {},
                {
                    stroke: () => plot.colour("--accent"),
                    fill: () => plot.colour("--accent-faint"),
                    width: 2,
                    points: { show: false },
                    spanGaps: false,
                },
            ],
            hooks: { drawClear: [(drawn) => drawHeld(drawn, plot.colour("--band"))] },
        }));
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
        this.#plot.show(data);
    }
}
/** The band that the lag is held in. */
function drawHeld(plot, colour) {
    const top = plot.valToPos(heldHigh, "y", true);
    const bottom = plot.valToPos(heldLow, "y", true);
    plot.ctx.save();
    plot.ctx.fillStyle = colour;
    plot.ctx.fillRect(plot.bbox.left, top, plot.bbox.width, bottom - top);
    plot.ctx.restore();
}
/** The greatest mark of the scale: 0.5, 1, 2, 4, … */
function roundedTop(high) {
    return Math.max(leastTop, 2 ** Math.floor(Math.log2(high)));
}
