/**
 * What the page says about its connections, in a word or two: a pure function, used by `main`.
 */
import type { NotifyState } from "./notify.js";
import type { PlayerState } from "./player.js";
export interface Status {
    text: string;
    tone: "idle" | "busy" | "good" | "bad";
}
export declare function statusOf(player: PlayerState, notify: NotifyState): Status;
