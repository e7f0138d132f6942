/**
 * What the page says about its connections, in a word or two: a pure function, used by `main`.
 */

import type { NotifyState } from "./notify.js";
import type { PlayerState } from "./player.js";

export interface Status {
  text: string;
  tone: "idle" | "busy" | "good" | "bad";
}

export function statusOf(player: PlayerState, notify: NotifyState): Status {
  switch (player) {
    case "playing":
      return { text: "Live", tone: "good" };
    case "buffering":
      return { text: "Buffering", tone: "busy" };
    case "connecting":
      return { text: "Connecting", tone: "busy" };
    case "reconnecting":
      return { text: "Reconnecting", tone: "bad" };
    case "silent":
      return { text: "Paused by the source", tone: "idle" };
    case "stopped":
      return notify === "waiting" ? { text: "Server not reached", tone: "bad" } : { text: "Not listening", tone: "idle" };
  }
}
