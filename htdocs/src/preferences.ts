/**
 * What the page remembers of one visit for the next: the listener's id, volume and mute. In local storage where
 * there is one; where it is denied (a private window, blocked site data) for as long as the page is open.
 */

import { isListenerId, randomListenerId, type ListenerId } from "./api.js";

const keys = {
  id: "eradio.listener_id",
  volume: "eradio.volume",
  muted: "eradio.muted",
} as const;

export class Preferences {
  readonly #storage: Storage | null;
  readonly #memory = new Map<string, string>();
  readonly #newId: () => ListenerId;

  constructor(storage: Storage | null = localStorageIfAllowed(), newId: () => ListenerId = randomListenerId) {
    this.#storage = storage;
    this.#newId = newId;
  }

  /** The same for all visits; made up at the first. */
  get listenerId(): ListenerId {
    const stored = this.#read(keys.id);
    if (stored !== null && isListenerId(stored)) {
      return stored;
    }
    const id = this.#newId();
    this.#write(keys.id, id);
    return id;
  }

  /** From 0 to 1. */
  get volume(): number {
    const volume = Number.parseFloat(this.#read(keys.volume) ?? "");
    return volume >= 0 && volume <= 1 ? volume : 1;
  }

  set volume(volume: number) {
    this.#write(keys.volume, String(volume));
  }

  get muted(): boolean {
    return this.#read(keys.muted) === "true";
  }

  set muted(muted: boolean) {
    this.#write(keys.muted, String(muted));
  }

  #read(key: string): string | null {
    try {
      return this.#memory.get(key) ?? this.#storage?.getItem(key) ?? null;
    } catch {
      return null;
    }
  }

  #write(key: string, value: string): void {
    this.#memory.set(key, value);
    try {
      this.#storage?.setItem(key, value);
    } catch {
      // Full or denied: the memory has it until the page is closed.
    }
  }
}

/** Merely naming `localStorage` throws where a visitor does not allow it. */
function localStorageIfAllowed(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
