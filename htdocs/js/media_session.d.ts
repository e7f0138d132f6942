/**
 * Tells the browser what is being played, for lock screens, headphones and keyboards with media keys.
 */
import type { PlayerState } from "./player.js";
export interface MediaSessionHandlers {
    onPlay(): void;
    onStop(): void;
}
export declare class MediaSessionDisplay {
    #private;
    constructor(handlers: MediaSessionHandlers, session?: MediaSession | null);
    showTrack(title: string, station: string): void;
    showState(state: PlayerState): void;
}
