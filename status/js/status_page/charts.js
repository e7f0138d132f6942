/**
 * The page's graphs, over the last ten minutes, or since the page was opened. Each shows some numbers of the points of `history`.
 */
import { Plot } from "../plot.js";
import { bytesText, countText, durationText, millisecondsText, percentText } from "./text.js";
export const shownSeconds = 600;
const shownSecondsMin = 60;
const height = 150;
/** A longer time between two points is a gap: nobody asked, or nobody answered. */
const gapSeconds = 5;
export class Chart {
    #plot;
    #lines;
    #shown = shownSecondsMin;
    /** `onReading`: null when nothing is pointed at any more. */
    constructor(element, { lines, leastTop, text }, onReading) {
        this.#lines = lines;
        this.#plot = new Plot(element, height, (plot) => ({
            padding: [10, 16, 0, 0],
            scales: {
                x: { time: false, range: () => [-this.#shown, 0] },
                y: { range: (_plot, _low, high) => [0, Math.max(leastTop, (high ?? 0) * 1.15)] },
            },
            axes: [
                plot.valueAxis({
                    size: 26,
                    splits: () => [-this.#shown / 2, 0],
                    values: () => [`${durationText(this.#shown / 2)} ago`, "now"],
                    grid: { show: false },
                }),
                plot.valueAxis({ size: 68, space: 36, values: (_plot, splits) => splits.map(text) }),
            ],
            cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
            hooks: { setCursor: [({ cursor: { idx }, data }) => onReading(idx == null ? null : readingAt(data, idx))] },
            series: [{}, ...lines.map((line) => seriesOf(line, plot, lines.length === 1))],
        }));
    }
    /** `now`: on the points' clock. */
    draw(points, now) {
        const oldest = now - (points[0]?.at ?? now);
        this.#shown = Math.min(shownSeconds, Math.max(shownSecondsMin, 60 * Math.ceil(oldest / 60)));
        const times = [];
        const values = this.#lines.map(() => []);
        for (const [place, point] of points.entries()) {
            const before = points[place - 1];
            if (before !== undefined && point.at - before.at > gapSeconds) {
                times.push(before.at + 1 - now);
                values.forEach((line) => line.push(null));
            }
            times.push(point.at - now);
            this.#lines.forEach(({ value }, line) => values[line]?.push(value(point)));
        }
        this.#plot.show([times, ...values]);
    }
}
function readingAt([times, ...values], place) {
    return { secondsAgo: Math.max(0, -(times[place] ?? 0)), values: values.map((line) => line[place] ?? null) };
}
function seriesOf(line, plot, alone) {
    return {
        label: line.label,
        stroke: () => plot.colour(line.colour),
        ...(alone ? { fill: () => plot.colour(`${line.colour}-faint`) } : {}),
        ...(line.dashed ? { dash: [6, 4] } : {}),
        width: 2,
        points: { show: false },
        spanGaps: false,
    };
}
const [first, second, third] = ["--line-1", "--line-2", "--line-3"];
/** So many can be told from each other; the workers after these have the same once more, in dashes. */
const workerColours = [first, second, third, "--line-4", "--line-5", "--line-6", "--line-7", "--line-8"];
export const chartOptions = {
    listeners: {
        lines: [{ label: "listeners", colour: first, value: ({ listeners }) => listeners }],
        leastTop: 5,
        text: countText,
    },
    ages: {
        lines: [
            { label: "p99", colour: third, value: ({ ages }) => ages?.p99 ?? null },
            { label: "p90", colour: second, value: ({ ages }) => ages?.p90 ?? null },
            { label: "p50", colour: first, value: ({ ages }) => ages?.p50 ?? null },
        ],
        leastTop: 5,
        text: millisecondsText,
    },
    skips: {
        lines: [{ label: "frames skipped", colour: third, value: ({ skipsPerSecond }) => skipsPerSecond }],
        leastTop: 5,
        text: countText,
    },
    bytes: {
        lines: [{ label: "bytes sent", colour: second, value: ({ bytesPerSecond }) => bytesPerSecond }],
        leastTop: 1000,
        text: (bytes) => `${bytesText(bytes)}/s`,
    },
};
export function cpuChartOptions(workers) {
    return {
        lines: Array.from({ length: workers }, (_, slot) => ({
            label: `worker ${slot}`,
            colour: workerColours[slot % workerColours.length] ?? first,
            dashed: Math.floor(slot / workerColours.length) % 2 === 1,
            value: ({ cpu }) => cpu[slot] ?? null,
        })),
        leastTop: 0.1,
        text: percentText,
    };
}
