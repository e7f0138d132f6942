/**
 * The page's own elements: shows what it is told. Used by `main`; knows no server.
 */
import { Chart } from "./charts.js";
import { sourceStateOf } from "./condition.js";
import { Legend } from "./legend.js";
import { bytesText, countText, durationText, millisecondsText, percentText } from "./text.js";
export class View {
    #charts = {};
    /** Puts a graph in its place, with the names of its lines. */
    addChart(name, options) {
        const element = find(`#${name}-graph`);
        element.replaceChildren();
        const legend = new Legend(find(`#${name}-legend`), options);
        this.#charts[name] = new Chart(element, options, (reading) => legend.show(reading));
    }
    draw(points, now) {
        for (const chart of Object.values(this.#charts)) {
            chart.draw(points, now);
        }
    }
    showState(tone, text) {
        document.body.dataset["tone"] = tone;
        set("state", text);
    }
    /** An empty one goes away. */
    showProblem(text) {
        const problem = find("#problem");
        problem.hidden = text === "";
        if (problem.textContent !== text) {
            problem.textContent = text;
        }
    }
    showStatus(status) {
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
    showPoint(point) {
        set("ages", point.ages === null ? "–" : millisecondsText(point.ages.p99));
        set("skips", countText(Math.round(point.skipsPerSecond * 10) / 10));
        set("bytes", `${bytesText(point.bytesPerSecond)}/s`);
        set("cpu", percentText(point.cpu.reduce((sum, used) => sum + (used ?? 0), 0)));
    }
    /** `cpu`: of the last interval, by slot. */
    showWorkers(status, cpu) {
        fill("workers", status.workers.map((worker) => {
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
        }), "There are none.");
    }
    showSlowest(listeners) {
        fill("slowest", listeners.map((listener) => ({
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
        })), "Nobody listens.");
    }
}
function find(selector) {
    const element = document.querySelector(selector);
    if (element === null) {
        throw new Error(`the page has no ${selector}`);
    }
    return element;
}
function set(id, text) {
    const element = find(`#${id}`);
    if (element.textContent !== text) {
        element.textContent = text;
    }
}
/** The pairs of a description list. */
function rows(id, pairs) {
    find(`#${id}`).replaceChildren(...pairs.map(([name, value]) => {
        const pair = document.createElement("div");
        const term = document.createElement("dt");
        const description = document.createElement("dd");
        term.textContent = name;
        description.textContent = value;
        pair.append(term, description);
        return pair;
    }));
}
/** The body of a table. */
function fill(id, lines, nothing) {
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
