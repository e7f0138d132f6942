/**
 * The page's own elements: shows what it is told. Used by `main`; knows no server.
 */

import { Chart, type ChartOptions } from "./charts.js";
import { type Tone, sourceStateOf } from "./condition.js";
import type { Point } from "./history.js";
import { Legend } from "./legend.js";
import type { ListenerStatus, ServerStatus } from "./server_status.js";
import { bytesText, countText, durationText, millisecondsText, percentText } from "./text.js";

type ChartName = "listeners" | "ages" | "skips" | "bytes" | "cpu";

export class View {
  #charts: Partial<Record<ChartName, Chart>> = {};

  /** Puts a graph in its place, with the names of its lines. */
  addChart(name: ChartName, options: ChartOptions): void {
    const element = find(`#${name}-graph`);
    element.replaceChildren();
    const legend = new Legend(find(`#${name}-legend`), options);
    this.#charts[name] = new Chart(element, options, (reading) => legend.show(reading));
  }

  draw(points: readonly Point[], now: number): void {
    for (const chart of Object.values(this.#charts)) {
      chart.draw(points, now);
    }
  }

  showState(tone: Tone, text: string): void {
    document.body.dataset["tone"] = tone;
    set("state", text);
  }

  /** An empty one goes away. */
  showProblem(text: string): void {
    const problem = find("#problem");
    problem.hidden = text === "";
    if (problem.textContent !== text) {
      problem.textContent = text;
    }
  }

  showStatus(status: ServerStatus): void {
    const { source, ring, escrow, totals, metadata } = status;
    set("version", `eradio ${status.version}`);
    set("uptime", `up ${durationText(status.uptime_s)}`);
    set("track", metadata.current_track?.name || (source.playing ? "The live stream" : "Nothing is playing"));
    set("listeners", countText(totals.listeners));
    set("connections", `${countText(totals.connections)} connections, ${countText(totals.notify_clients)} get news`);
    rows("source", [
      ["State", sourceStateOf(source)],
      ["Process", source.pid === null ? "–" : `${source.pid}, ${durationText(source.uptime_s ?? 0)}`],
      ["Frame", source.last_frame_age_ms === null ? "none yet" : `${millisecondsText(source.last_frame_age_ms)} ago`],
      ["Frames", countText(source.frames)],
      ["Broken frames", countText(source.broken_frames)],
      ["Restarts", countText(source.restarts)],
    ]);
    rows("ring", [
      ["Size", bytesText(ring.size_bytes)],
      ["Used", percentText(ring.used_bytes / ring.size_bytes)],
      ["Holds", millisecondsText(ring.held_ms)],
      ["Records", countText(ring.records)],
      ["Escrow", escrow.on ? `${countText(escrow.held)} of ${countText(escrow.max)}` : "off"],
      ["Not held", countText(escrow.clients_not_held)],
    ]);
  }

  showPoint(point: Point): void {
    set("ages", point.ages === null ? "–" : millisecondsText(point.ages.p99));
    set("skips", countText(Math.round(point.skipsPerSecond * 10) / 10));
    set("bytes", `${bytesText(point.bytesPerSecond)}/s`);
    set("cpu", percentText(point.cpu.reduce<number>((sum, used) => sum + (used ?? 0), 0)));
  }

  /** `cpu`: of the last interval, by slot. */
  showWorkers(status: ServerStatus, cpu: readonly (number | null)[]): void {
    fill(
      "workers",
      status.workers.map((worker) => {
        const row = [
          String(worker.slot),
          worker.state,
          countText(worker.listeners),
          cpu[worker.slot] == null ? "–" : percentText(cpu[worker.slot] ?? 0),
          worker.memory_bytes === null ? "–" : bytesText(worker.memory_bytes),
          worker.pid === null ? "–" : String(worker.pid),
          worker.uptime_s === null ? "–" : durationText(worker.uptime_s),
          countText(worker.restarts),
          countText(worker.crashes),
        ];
        return { cells: row, tone: worker.state === "serving" ? "" : "bad" };
      }),
      "There are none.",
    );
  }

  showSlowest(listeners: readonly ListenerStatus[]): void {
    fill(
      "slowest",
      listeners.map((listener) => ({
        cells: [
          listener.id,
          millisecondsText(listener.lag_ms),
          countText(listener.frames_skipped),
          listener.peer,
          countText(listener.jumps),
          bytesText(listener.queue_bytes),
          String(listener.worker),
          durationText(listener.listening_s),
        ],
        tone: listener.lag_ms > listener.max_lag_ms ? "bad" : "",
      })),
      "Nobody listens.",
    );
  }
}

function find(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null) {
    throw new Error(`the page has no ${selector}`);
  }
  return element;
}

function set(id: string, text: string): void {
  const element = find(`#${id}`);
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** The pairs of a description list. */
function rows(id: string, pairs: readonly (readonly [string, string])[]): void {
  find(`#${id}`).replaceChildren(
    ...pairs.map(([name, value]) => {
      const pair = document.createElement("div");
      const term = document.createElement("dt");
      const description = document.createElement("dd");
      term.textContent = name;
      description.textContent = value;
      pair.append(term, description);
      return pair;
    }),
  );
}

interface Row {
  cells: string[];
  tone: string;
}

/** The body of a table. */
function fill(id: string, lines: readonly Row[], nothing: string): void {
  const body = find(`#${id} tbody`);
  const made = lines.map(({ cells, tone }) => {
    const row = document.createElement("tr");
    row.dataset["tone"] = tone;
    cells.forEach((text, place) => {
      const cell = document.createElement(place === 0 ? "th" : "td");
      if (place === 0) {
        cell.setAttribute("scope", "row");
      }
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  });
  if (made.length === 0) {
    const row = document.createElement("tr");
    const cell = document.createElement("td");
    cell.colSpan = document.querySelectorAll(`#${id} thead th`).length;
    cell.className = "nothing";
    cell.textContent = nothing;
    row.append(cell);
    made.push(row);
  }
  body.replaceChildren(...made);
}
