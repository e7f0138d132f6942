/**
 * Tells the browser what is being played, for lock screens, headphones and keyboards with media keys.
 */

import type { PlayerState } from "./player.js";

export interface MediaSessionHandlers {
  onPlay(): void;
  onStop(): void;
}

export class MediaSessionDisplay {
  readonly #session: MediaSession | null;
  #title: string | null = null;

  constructor(handlers: MediaSessionHandlers, session: MediaSession | null = navigator.mediaSession ?? null) {
    this.#session = session;
    session?.setActionHandler("play", () => handlers.onPlay());
    session?.setActionHandler("pause", () => handlers.onStop());
    session?.setActionHandler("stop", () => handlers.onStop());
  }

  showTrack(title: string, station: string): void {
    if (this.#session !== null && title !== this.#title) {
      this.#title = title;
      this.#session.metadata = new MediaMetadata({ title, artist: station });
    }
  }

  showState(state: PlayerState): void {
    if (this.#session !== null) {
      this.#session.playbackState = state === "stopped" ? "paused" : "playing";
    }
  }
}
