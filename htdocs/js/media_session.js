/**
 * Tells the browser what is being played, for lock screens, headphones and keyboards with media keys.
 */
export class MediaSessionDisplay {
    #session;
    #title = null;
    constructor(handlers, session = navigator.mediaSession ?? null) {
        this.#session = session;
        session?.setActionHandler("play", () => handlers.onPlay());
        session?.setActionHandler("pause", () => handlers.onStop());
        session?.setActionHandler("stop", () => handlers.onStop());
    }
    showTrack(title, station) {
        if (this.#session !== null && title !== this.#title) {
            this.#title = title;
            this.#session.metadata = new MediaMetadata({ title, artist: station });
        }
    }
    showState(state) {
        if (this.#session !== null) {
            this.#session.playbackState = state === "stopped" ? "paused" : "playing";
        }
    }
}
