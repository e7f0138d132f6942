/**
 * The names of a graph's lines, and of the moment that is pointed at the values. Used by `view`; of a graph with one line
 * there is nothing to be named until somebody points.
 */
import { durationText } from "./text.js";
export class Legend {
    #element;
    #options;
    constructor(element, options) {
        this.#element = element;
        this.#options = options;
        this.show(null);
    }
    /** null: nobody points. */
    show(reading) {
        const { lines, text } = this.#options;
        if (reading === null) {
            this.#element.replaceChildren(...(lines.length > 1 ? lines.map((line) => entryOf(line, line.label)) : []));
            return;
        }
        const when = document.createElement("li");
        when.textContent = reading.secondsAgo < 1 ? "now" : `${durationText(reading.secondsAgo)} ago`;
        this.#element.replaceChildren(...lines.map((line, place) => {
            const value = reading.values[place] ?? null;
            return entryOf(line, `${line.label} ${value === null ? "–" : text(value)}`);
        }), when);
    }
}
function entryOf({ colour, dashed }, text) {
    const entry = document.createElement("li");
    entry.dataset["colour"] = colour;
    entry.dataset["dashed"] = String(dashed === true);
    entry.textContent = text;
    return entry;
}
