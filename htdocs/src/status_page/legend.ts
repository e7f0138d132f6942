/**
 * The names of a graph's lines, and of the moment that is pointed at the values. Used by `view`; of a graph with one line
 * there is nothing to be named until somebody points.
 */

import type { ChartOptions, Line, Reading } from "./charts.js";
import { durationText } from "./text.js";

export class Legend {
  readonly #element: HTMLElement;
  readonly #options: ChartOptions;

  constructor(element: HTMLElement, options: ChartOptions) {
    this.#element = element;
    this.#options = options;
    this.show(null);
  }

  /** null: nobody points. */
  show(reading: Reading | null): void {
    const { lines, text } = this.#options;
    if (reading === null) {
      this.#element.replaceChildren(...(lines.length > 1 ? lines.map((line) => entryOf(line, line.label)) : []));
      return;
    }
    const when = document.createElement("li");
    when.textContent = reading.secondsAgo < 1 ? "now" : `${durationText(reading.secondsAgo)} ago`;
    this.#element.replaceChildren(
      ...lines.map((line, place) => {
        const value = reading.values[place] ?? null;
        return entryOf(line, `${line.label} ${value === null ? "–" : text(value)}`);
      }),
      when,
    );
  }
}

function entryOf({ colour, dashed }: Line, text: string): HTMLElement {
  const entry = document.createElement("li");
  entry.dataset["colour"] = colour;
  entry.dataset["dashed"] = String(dashed === true);
  entry.textContent = text;
  return entry;
}
