/**
 * The page's own elements: shows what it is told, and says what was pressed. Used by `main`; knows neither server
 * nor player.
 */
import type { Track } from "./api.js";
import type { Status } from "./status.js";
export interface UiHandlers {
    onPlay(): void;
    onVeto(): void;
    onMute(): void;
    /** From 0 to 1. */
    onVolume(volume: number): void;
}
export declare class Ui {
    #private;
    constructor(handlers: UiHandlers);
    /** Loads the graph, which nobody waits for: without it everything else works. */
    loadGraph(): Promise<void>;
    /** The stream's own address, where the page tells how to give it to a player. */
    showAddress(url: string): void;
    showPlaying(playing: boolean, status: Status, problem: string | null): void;
    /** Calls the track what it is called on the page. */
    showTrack(track: Track | null, otherwise: string): string;
    showCounts(listeners: number | null, votes: number | null): void;
    showVote(cast: boolean, possible: boolean): void;
    showVolume(volume: number, muted: boolean, canBeSet: boolean): void;
    /** A point of the graph, and the number, which `drawLag` shows. */
    addLag(nowSeconds: number, lag: number | null): void;
    drawLag(nowSeconds: number): void;
}
