/**
 * What the page remembers of one visit for the next: the listener's id, volume and mute. In local storage where
 * there is one; where it is denied (a private window, blocked site data) for as long as the page is open.
 */
import { isListenerId, randomListenerId } from "./api.js";
const keys = {
    id: "eradio.listener_id",
    volume: "eradio.volume",
    muted: "eradio.muted",
};
export class Preferences {
    #storage;
    #memory = new Map();
    #newId;
    constructor(storage = localStorageIfAllowed(), newId = randomListenerId) {
        this.#storage = storage;
        this.#newId = newId;
    }
    /** The same for all visits; made up at the first. */
    get listenerId() {
        const stored = this.#read(keys.id);
        if (stored !== null && isListenerId(stored)) {
            return stored;
        }
        const id = this.#newId();
        this.#write(keys.id, id);
        return id;
    }
    /** From 0 to 1. */
    get volume() {
        const volume = Number.parseFloat(this.#read(keys.volume) ?? "");
        return volume >= 0 && volume <= 1 ? volume : 1;
    }
    set volume(volume) {
        this.#write(keys.volume, String(volume));
    }
    get muted() {
        return this.#read(keys.muted) === "true";
    }
    set muted(muted) {
        this.#write(keys.muted, String(muted));
    }
    #read(key) {
        try {
            return this.#memory.get(key) ?? this.#storage?.getItem(key) ?? null;
        }
        catch {
            return null;
        }
    }
    #write(key, value) {
        this.#memory.set(key, value);
        try {
            this.#storage?.setItem(key, value);
        }
        catch {
            // Full or denied: the memory has it until the page is closed.
        }
    }
}
/** Merely naming `localStorage` throws where a visitor does not allow it. */
function localStorageIfAllowed() {
    try {
        return globalThis.localStorage ?? null;
    }
    catch {
        return null;
    }
}
