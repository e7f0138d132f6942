/**
 * The page's own elements: shows what it is told, and says what was pressed. Used by `main`; knows neither server
 * nor player.
 */

import type { Track } from "./api.js";
import type { LagGraph } from "./graph.js";
import type { Status } from "./status.js";
import { trackLink } from "./track.js";

export interface UiHandlers {
  onPlay(): void;
  onVeto(): void;
  onMute(): void;
  /** From 0 to 1. */
  onVolume(volume: number): void;
}

export class Ui {
  readonly #main: HTMLElement;
  readonly #play: HTMLButtonElement;
  readonly #status: HTMLElement;
  readonly #track: HTMLElement;
  readonly #problem: HTMLElement;
  readonly #lag: HTMLElement;
  readonly #graphElement: HTMLElement;
  readonly #listeners: HTMLElement;
  readonly #votes: HTMLElement;
  readonly #veto: HTMLButtonElement;
  readonly #vetoText: HTMLElement;
  readonly #mute: HTMLButtonElement;
  readonly #volume: HTMLInputElement;
  #graph: LagGraph | null = null;
  #lagSeconds: number | null = null;

  constructor(handlers: UiHandlers) {
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
  async loadGraph(): Promise<void> {
    const { LagGraph } = await import("./graph.js");
    this.#graph = new LagGraph(this.#graphElement);
  }

  /** The stream's own address, where the page tells how to give it to a player. */
  showAddress(url: string): void {
    for (const element of document.querySelectorAll<HTMLElement>("[data-address]")) {
      element.textContent = url;
      if (element instanceof HTMLAnchorElement) {
        element.href = url;
      }
    }
  }

  showPlaying(playing: boolean, status: Status, problem: string | null): void {
    this.#main.dataset["playing"] = String(playing);
    this.#main.dataset["tone"] = status.tone;
    setText(this.#status, status.text);
    this.#play.setAttribute("aria-label", playing ? "Stop listening" : "Listen");
    setText(this.#problem, problem ?? "");
    this.#problem.hidden = problem === null;
  }

  /** Calls the track what it is called on the page. */
  showTrack(track: Track | null, otherwise: string): string {
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

  showCounts(listeners: number | null, votes: number | null): void {
    setText(this.#listeners, listeners === null ? "–" : listeners.toLocaleString());
    setText(this.#votes, votes === null ? "–" : votes.toLocaleString());
  }

  showVote(cast: boolean, possible: boolean): void {
    this.#veto.setAttribute("aria-pressed", String(cast));
    this.#veto.disabled = !possible;
    setText(this.#vetoText, cast ? "You voted to skip" : "Vote to skip");
  }

  showVolume(volume: number, muted: boolean, canBeSet: boolean): void {
    this.#mute.setAttribute("aria-pressed", String(muted));
    this.#volume.value = String(Math.round(volume * 100));
    this.#volume.setAttribute("aria-valuetext", `${Math.round(volume * 100)} %`);
    this.#volume.hidden = !canBeSet;
  }

  /** A point of the graph, and the number, which `drawLag` shows. */
  addLag(nowSeconds: number, lag: number | null): void {
    this.#lagSeconds = lag;
    this.#graph?.add(nowSeconds, lag);
  }

  drawLag(nowSeconds: number): void {
    setText(this.#lag, this.#lagSeconds === null ? "–" : `${this.#lagSeconds.toFixed(2)} s`);
    this.#graph?.draw(nowSeconds);
  }
}

function find<T extends HTMLElement>(selector: string, type: new () => T): T {
  const element = document.querySelector(selector);
  if (!(element instanceof type)) {
    throw new Error(`The page has no ${selector}`);
  }
  return element;
}

function linkTo(href: string, text: string): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = href;
  link.textContent = text;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

/** Setting a text anew, even to what it was, is work for the browser and news for a screen reader. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
