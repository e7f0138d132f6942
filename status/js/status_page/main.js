/**
 * The status page, wired: asks the server, keeps what was, draws it.
 */
import { systemClock } from "../clock.js";
import { chartOptions, cpuChartOptions, shownSeconds } from "./charts.js";
import { problemsOf, stateOf } from "./condition.js";
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
    view.addChart(name, options);
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
        view.addChart("cpu", cpuChartOptions(slots));
    }
    const point = before === null ? null : pointBetween(before.status, status, at - before.at, at);
    const problems = problemsOf(status, before?.status ?? null);
    before = { status, at };
    if (point !== null) {
        history.add(point);
        view.showPoint(point);
    }
    view.showStatus(status);
    view.showWorkers(status, point?.cpu ?? []);
    view.showSlowest(slowest);
    view.draw(history.points, at);
    const { tone, text } = stateOf(status);
    view.showState(tone, text);
    view.showProblem(problems.join(" "));
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
