/**
 * What the page says of the server as a whole: its state in a word, and what somebody has to look at. Pure.
 */
import { countText } from "./text.js";
export function stateOf(status) {
    if (!status.ready) {
        return { tone: "bad", text: "Not ready" };
    }
    const missing = status.workers.filter(({ state }) => state !== "serving").length;
    if (missing > 0) {
        return { tone: "busy", text: missing === 1 ? "A worker is missing" : `${missing} workers are missing` };
    }
    return { tone: "good", text: status.replacing_workers ? "Replacing workers" : "Running" };
}
/** `before`: the answer before this one, since who has just come is held a moment later. */
export function problemsOf(status, before) {
    const problems = [];
    if (!status.ready) {
        problems.push(`Listeners do not get what they come for: ${status.reasons.join("; ")}.`);
    }
    const notHeld = Math.min(status.escrow.clients_not_held, before?.escrow.clients_not_held ?? 0);
    if (status.escrow.on && notHeld > 0) {
        problems.push(notHeld === 1
            ? "One client is disconnected if its worker ends now: the master does not hold its connection."
            : `${countText(notHeld)} clients are disconnected if their worker ends now: the master does not hold their connections.`);
    }
    if (status.upgrade_error !== null) {
        problems.push(`The last upgrade did not come to its end: ${status.upgrade_error}.`);
    }
    return problems;
}
/** Longer without a frame, and the server is not ready. */
const silentMs = 10_000;
export function sourceStateOf({ state, playing, told_to_pause, last_frame_age_ms }) {
    if (state !== "running") {
        return state;
    }
    if (!playing) {
        return told_to_pause ? "paused" : "not playing";
    }
    return last_frame_age_ms !== null && last_frame_age_ms > silentMs ? "silent" : "playing";
}
