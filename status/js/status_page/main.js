/**
 * The status page, wired: asks the server, keeps what was, draws it.
 */
import { systemClock } from "../clock.js";
import { Chart, chartOptions, cpuChartOptions, shownSeconds } from "./charts.js";
import { History, pointBetween } from "./history.js";
import { Poller } from "./poller.js";
import { View } from "./view.js";
const clock = systemClock;
const seconds = () => clock.now() / 1000;
const view = new View();
const history = new History(shownSeconds);
let before = null;
let workersDrawn = -1;
let answeredAt = seconds();
for (const [name, options] of Object.entries(chartOptions)) {
    view.addChart(name, options.lines, (element) => new Chart(element, options));
}
const poller = new Poller({
    clock,
    fetch: window.fetch.bind(window),
    onAnswer: show,
    onFailure(reason) {
        const silent = Math.round(seconds() - answeredAt);
        view.showState("bad", "No answer");
        view.showProblem(`The server does not answer: ${reason}. What is shown is ${silent} s old; the page goes on asking.`);
        view.draw(history.points, seconds());
    },
});
function show({ status, slowest }) {
    const at = seconds();
    answeredAt = at;
    const slots = Math.max(0, ...status.workers.map(({ slot }) => slot + 1));
    if (slots !== workersDrawn) {
        workersDrawn = slots;
        const options = cpuChartOptions(slots);
        view.addChart("cpu", options.lines, (element) => new Chart(element, options));
    }
    const point = before === null ? null : pointBetween(before.status, status, at - before.at, at);
    before = { status, at };
    if (point !== null) {
        history.add(point);
        view.showPoint(point);
    }
    view.showStatus(status);
    view.showWorkers(status, point?.cpu ?? []);
    view.showSlowest(slowest);
    view.draw(history.points, at);
    const missing = status.workers.filter(({ state }) => state !== "serving").length;
    if (missing > 0) {
        view.showState("busy", missing === 1 ? "A worker is missing" : `${missing} workers are missing`);
    }
    else if (status.source.state !== "running") {
        view.showState("busy", "The source is missing");
    }
    else {
        view.showState("good", status.replacing_workers ? "Replacing workers" : "Running");
    }
    view.showProblem(status.upgrade_error === null ? "" : `The last upgrade did not come to its end: ${status.upgrade_error}`);
}
function onVisibility() {
    if (document.hidden) {
        poller.rest();
    }
    else {
        before = null; // what happened meanwhile is no interval of a second
        poller.wake();
    }
}
document.addEventListener("visibilitychange", onVisibility);
onVisibility();
