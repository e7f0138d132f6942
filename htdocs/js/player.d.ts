/**
 * Plays the stream, and keeps its lag small. Joins it, hands it to the browser (`sound`), finds connections that are
 * dead (`silence`), and joins again after each failure (`backoff`). Knows nothing of a page: it takes an audio
 * element and reports through callbacks.
 *
 *     const player = new Player({ api, listenerId, onState: (state) => … });
 *     button.onclick = () => player.play();   // browsers let a page begin with sound in answer to a person only
 *
 * Playing means being in the stream, and stopping means leaving it: there is nothing to resume in a live stream.
 */
import { type Api, type ListenerId } from "./api.js";
import { type Clock } from "./clock.js";
import { type ServerSays } from "./silence.js";
import { type OpenSink } from "./sound.js";
export type PlayerState = 
/** Not in the stream. */
"stopped"
/** Joining for the first time since `play()`. */
 | "connecting"
/** In the stream, and not enough of it there to be heard. */
 | "buffering" | "playing"
/** In the stream, and the source has stopped: there is nothing to hear, and nothing wrong. */
 | "silent"
/** The connection was lost; it is being tried again, or will be. */
 | "reconnecting";
export interface PlayerEvents {
    /** With what went wrong, if something did: fit to be shown. */
    onState?: (state: PlayerState, problem: string | null) => void;
    /** Seconds of sound that have arrived and not been heard, a few times a second; `null` when nothing is heard. */
    onLag?: (seconds: number | null) => void;
    onVolume?: (volume: number, muted: boolean) => void;
    /** Bytes have come: an event that hidden pages get on time too, unlike those of timers. */
    onReceived?: () => void;
}
export interface PlayerOptions extends PlayerEvents {
    api: Pick<Api, "stream" | "streamUrl" | "metadata">;
    listenerId: ListenerId;
    audio?: HTMLAudioElement;
    clock?: Clock;
    random?: () => number;
    openSink?: OpenSink;
}
export declare class Player {
    #private;
    constructor(options: PlayerOptions);
    get state(): PlayerState;
    /** Joins the stream at its newest. */
    play(): void;
    /** Leaves the stream. */
    stop(): void;
    /** Does not wait any longer if it is waiting: for when the browser says that the network is back. */
    retryNow(): void;
    /**
     * Tells what the server last said about the source, if the caller hears of it (`Notifications`). It spares the
     * player to ask by itself whenever the stream is silent.
     */
    serverSays(says: ServerSays): void;
    /**
     * Calls back when what arrives at this moment is heard; at once while nothing is heard. For what has to change in
     * step with the sound.
     */
    whenHeard(callback: () => void): void;
    /** From 0 to 1. */
    get volume(): number;
    set volume(volume: number);
    get muted(): boolean;
    set muted(muted: boolean);
    /** Some phones leave the volume to their own buttons, and ignore what a page wants. */
    get volumeCanBeSet(): boolean;
}
