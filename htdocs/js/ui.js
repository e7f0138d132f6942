/**
 * The page's own elements: shows what it is told, and says what was pressed. Used by `main`; knows neither server
 * nor player.
 */
import { trackLink } from "./track.js";
export class Ui {
    #main;
    #play;
    #status;
    #track;
    #problem;
    #lag;
    #graphElement;
    #listeners;
    #votes;
    #veto;
    #vetoText;
    #mute;
    #volume;
    #graph = null;
    #lagSeconds = null;
    constructor(handlers) {
        this.#main = find("main", HTMLElement);
        this.#play = find("#play", HTMLButtonElement);
        this.#status = find("#status", HTMLElement);
        this.#track = find("#track", HTMLElement);
        this.#problem = find("#problem", HTMLElement);
        this.#lag = find("#lag", HTMLElement);
        this.#graphElement = find("#graph", HTMLElement);
        this.#listeners = find("#listeners", HTMLElement);
        this.#votes = find("#votes", HTMLElement);
        this.#veto = find("#veto", HTMLButtonElement);
        this.#vetoText = find("#veto-text", HTMLElement);
        this.#mute = find("#mute", HTMLButtonElement);
        this.#volume = find("#volume", HTMLInputElement);
        this.#play.addEventListener("click", () => handlers.onPlay());
        this.#veto.addEventListener("click", () => handlers.onVeto());
        this.#mute.addEventListener("click", () => handlers.onMute());
        this.#volume.addEventListener("input", () => handlers.onVolume(this.#volume.valueAsNumber / 100));
    }
    /** Loads the graph, which nobody waits for: without it everything else works. */
    async loadGraph() {
        const { LagGraph } = await import("./graph.js");
        this.#graph = new LagGraph(this.#graphElement);
    }
    /** The stream's own address, where the page tells how to give it to a player. */
    showAddress(url) {
        for (const element of document.querySelectorAll("[data-address]")) {
            element.textContent = url;
            if (element instanceof HTMLAnchorElement) {
                element.href = url;
            }
        }
    }
    showPlaying(playing, status, problem) {
        this.#main.dataset["playing"] = String(playing);
        this.#main.dataset["tone"] = status.tone;
        setText(this.#status, status.text);
        this.#play.setAttribute("aria-label", playing ? "Stop listening" : "Listen");
        setText(this.#problem, problem ?? "");
        this.#problem.hidden = problem === null;
    }
    /** Calls the track what it is called on the page. */
    showTrack(track, otherwise) {
        const name = track === null ? otherwise : track.name || track.uri || "Untitled";
        const link = track === null ? null : trackLink(track.uri);
        // What is the same must not be said again by a screen reader.
        if (this.#track.textContent !== name || (this.#track.querySelector("a")?.href ?? null) !== link) {
            this.#track.replaceChildren(link === null ? name : linkTo(link, name));
        }
        this.#track.classList.toggle("nothing", track === null);
        document.title = track === null ? "eradio" : `${name} – eradio`;
        return name;
    }
    showCounts(listeners, votes) {
        setText(this.#listeners, listeners === null ? "–" : listeners.toLocaleString());
        setText(this.#votes, votes === null ? "–" : votes.toLocaleString());
    }
    showVote(cast, possible) {
        this.#veto.setAttribute("aria-pressed", String(cast));
        this.#veto.disabled = !possible;
        setText(this.#vetoText, cast ? "You voted to skip" : "Vote to skip");
    }
    showVolume(volume, muted, canBeSet) {
        this.#mute.setAttribute("aria-pressed", String(muted));
        this.#volume.value = String(Math.round(volume * 100));
        this.#volume.setAttribute("aria-valuetext", `${Math.round(volume * 100)} %`);
        this.#volume.hidden = !canBeSet;
    }
    /** A point of the graph, and the number, which `drawLag` shows. */
    addLag(nowSeconds, lag) {
        this.#lagSeconds = lag;
        this.#graph?.add(nowSeconds, lag);
    }
    drawLag(nowSeconds) {
        setText(this.#lag, this.#lagSeconds === null ? "–" : `${this.#lagSeconds.toFixed(2)} s`);
        this.#graph?.draw(nowSeconds);
    }
}
function find(selector, type) {
    const element = document.querySelector(selector);
    if (!(element instanceof type)) {
        throw new Error(`The page has no ${selector}`);
    }
    return element;
}
function linkTo(href, text) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = text;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
}
/** Setting a text anew, even to what it was, is work for the browser and news for a screen reader. */
function setText(element, text) {
    if (element.textContent !== text) {
        element.textContent = text;
    }
}
