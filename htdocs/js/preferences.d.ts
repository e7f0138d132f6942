/**
 * What the page remembers of one visit for the next: the listener's id, volume and mute. In local storage where
 * there is one; where it is denied (a private window, blocked site data) for as long as the page is open.
 */
import { type ListenerId } from "./api.js";
export declare class Preferences {
    #private;
    constructor(storage?: Storage | null, newId?: () => ListenerId);
    /** The same for all visits; made up at the first. */
    get listenerId(): ListenerId;
    /** From 0 to 1. */
    get volume(): number;
    set volume(volume: number);
    get muted(): boolean;
    set muted(muted: boolean);
}
