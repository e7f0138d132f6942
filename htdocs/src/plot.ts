/**
 * A uPlot in an element of a page: as wide as that is, and in the colours of its style sheet, light or dark. Used by
 * the player's graph of the lag and by the status page.
 */

import type { default as UPlot, AlignedData, Axis, Options } from "uplot";
import uPlot from "./vendor/uplot.js";

const widthMin = 120;
const font = "12px system-ui, sans-serif";

export class Plot {
  readonly #element: HTMLElement;
  readonly #plot: UPlot;

  /** `options` may ask this plot for colours: they are looked up whenever it is drawn. */
  constructor(element: HTMLElement, height: number, options: (plot: Plot) => Omit<Options, "width" | "height">) {
    this.#element = element;
    const all: Options = { legend: { show: false }, cursor: { show: false }, ...options(this), width: this.#width(), height };
    this.#plot = new uPlot(all, all.series.map(() => []) as unknown as AlignedData, element);
    new ResizeObserver(() => this.#plot.setSize({ width: this.#width(), height })).observe(element);
    // The canvas has been drawn in the other scheme's colours.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot.redraw());
  }

  show(data: AlignedData): void {
    this.#plot.setData(data);
  }

  /** The value of one of the style sheet's variables. */
  colour(name: string): string {
    return getComputedStyle(this.#element).getPropertyValue(name).trim();
  }

  /** An axis with its numbers and a line across for each of them. */
  valueAxis(rest: Axis): Axis {
    return {
      gap: 6,
      font,
      stroke: () => this.colour("--soft"),
      ticks: { show: false },
      grid: { stroke: () => this.colour("--line"), width: 1 },
      ...rest,
    };
  }

  #width(): number {
    return Math.max(widthMin, this.#element.clientWidth);
  }
}
