/**
 * Where the bytes of the stream go: a source buffer of an audio element. Used by `player`, which decides what is
 * played of it; this only sees to it that appending never stops. Frames that were skipped leave no gap, since the
 * source buffer puts whatever comes behind what it has ("sequence" mode).
 */

import { bareType, chooseWay } from "./container.js";

export interface SinkEvents {
  /** Sound has arrived in the buffer. */
  onAppended(): void;
  /** Nothing can be appended any more: a decoding error, or the browser has taken the buffer away. */
  onFailure(error: Error): void;
}

export interface Sink {
  /** A connection begins; the bytes to come have nothing to do with those before. */
  begin(contentType: string): Promise<void>;
  append(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** The browser takes such a stream in no way. */
export class UnsupportedType extends Error {}

type MediaSourceConstructor = typeof MediaSource;
type Wrap = (bytes: Uint8Array<ArrayBuffer>) => Iterable<Uint8Array<ArrayBuffer>>;

/** Sound that was heard stays for so long, and is removed when there is twice as much. */
const keptSeconds = 10;
/** So many bytes that wait to be appended mean that the browser has stopped taking any. */
const pendingBytesMax = 1 << 20;

/** iPhones have `ManagedMediaSource` only. */
export function mediaSourceConstructor(): MediaSourceConstructor | null {
  const scope = globalThis as { MediaSource?: MediaSourceConstructor; ManagedMediaSource?: MediaSourceConstructor };
  return scope.MediaSource ?? scope.ManagedMediaSource ?? null;
}

export class MediaSourceSink implements Sink {
  readonly #audio: HTMLAudioElement;
  readonly #events: SinkEvents;
  readonly #MediaSource: MediaSourceConstructor;
  readonly #mediaSource: MediaSource;
  readonly #opened: Promise<void>;
  #giveUpOpening: (reason: Error) => void = () => {};
  #buffer: SourceBuffer | null = null;
  #contentType = "";
  #newWrap: (() => Wrap) | null = null;
  #wrap: Wrap | null = null;
  /** What has to be appended; `null` stands where a new connection begins. */
  #pending: (Uint8Array<ArrayBuffer> | null)[] = [];
  #pendingBytes = 0;
  #closed = false;

  constructor(audio: HTMLAudioElement, events: SinkEvents, MediaSource: MediaSourceConstructor) {
    this.#audio = audio;
    this.#events = events;
    this.#MediaSource = MediaSource;
    this.#mediaSource = new MediaSource();
    // Safari hands a managed source to no other device, and wants to be told so.
    audio.disableRemotePlayback = true;
    const url = URL.createObjectURL(this.#mediaSource);
    this.#opened = new Promise((resolve, reject) => {
      this.#giveUpOpening = reject;
      this.#mediaSource.addEventListener("sourceopen", () => resolve(), { once: true });
    });
    this.#mediaSource.addEventListener("sourceclose", () => this.#fail("The browser has closed the media source"));
    audio.src = url;
    const revoke = () => URL.revokeObjectURL(url);
    this.#opened.then(revoke, revoke);
  }

  async begin(contentType: string): Promise<void> {
    await this.#opened;
    if (this.#buffer === null) {
      await this.#createBuffer(contentType);
    } else if (contentType !== this.#contentType) {
      throw new Error(`The stream is ${contentType} now, and was ${this.#contentType}`);
    }
    this.#pending.push(null);
  }

  append(bytes: Uint8Array<ArrayBuffer>): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > pendingBytesMax) {
      this.#fail("The browser does not take the stream");
      return;
    }
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#pending = [];
    this.#giveUpOpening(new Error("The media source was closed"));
  }

  async #createBuffer(contentType: string): Promise<void> {
    const way = chooseWay(contentType, (type) => this.#MediaSource.isTypeSupported(type));
    if (way === null) {
      throw new UnsupportedType(`This browser plays no ${contentType} from a media source`);
    }
    if (way.wrapped) {
      // Loaded where it is needed only.
      const { default: Wrapper } = await import("./vendor/mse-audio-wrapper.js");
      this.#newWrap = () => {
        const wrapper = new Wrapper(bareType(contentType), {
          minFramesPerSegment: 1,
          minBytesPerSegment: 1,
          preferredContainer: "fmp4",
        });
        return (bytes) => wrapper.iterator(bytes);
      };
    }
    const buffer = this.#mediaSource.addSourceBuffer(way.mimeType);
    buffer.mode = "sequence";
    buffer.addEventListener("updateend", () => this.#updated());
    buffer.addEventListener("error", () => this.#fail("The browser cannot decode the stream"));
    this.#buffer = buffer;
    this.#contentType = contentType;
  }

  #updated(): void {
    if (!this.#closed) {
      this.#events.onAppended();
      this.#pump();
    }
  }

  /** Gives the buffer the next thing to do, if it is idle. */
  #pump(): void {
    const buffer = this.#buffer;
    if (this.#closed || buffer === null || buffer.updating || this.#mediaSource.readyState !== "open") {
      return;
    }
    if (this.#pending[0] === null) {
      this.#pending.shift();
      // Forgets the beginning of a frame whose rest will never come. What follows goes behind what is there.
      buffer.abort();
      this.#wrap = this.#newWrap?.() ?? null;
    }
    if (this.#removeHeard(buffer, 2 * keptSeconds, keptSeconds)) {
      return;
    }
    const bytes = this.#takePending();
    if (bytes.length === 0) {
      return;
    }
    try {
      if (this.#wrap !== null && buffer.buffered.length > 0) {
        // Every wrapped segment says that it begins at 0. Browsers take that for a new beginning, to be put behind
        // the rest; not, however, where the one before was a single frame, and so ended with that same number.
        buffer.timestampOffset = buffer.buffered.end(buffer.buffered.length - 1);
      }
      buffer.appendBuffer(bytes);
    } catch (error) {
      if (error instanceof DOMException && error.name === "QuotaExceededError" && this.#removeHeard(buffer, 1, 0.5)) {
        this.#putBack(bytes);
      } else {
        this.#fail(`The browser does not take the stream: ${String(error)}`);
      }
    }
  }

  /** Everything up to the next connection in one piece, since appending has its cost each time. */
  #takePending(): Uint8Array<ArrayBuffer> {
    const next = this.#pending.indexOf(null);
    const chunks = this.#pending.splice(0, next === -1 ? this.#pending.length : next) as Uint8Array<ArrayBuffer>[];
    const bytes = concatenate(chunks);
    this.#pendingBytes -= bytes.length;
    return this.#wrap === null ? bytes : concatenate([...this.#wrap(bytes)]);
  }

  /** Bytes that are wrapped already must not be wrapped again: these are lost, and skipped as others are. */
  #putBack(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#wrap === null) {
      this.#pending.unshift(bytes);
      this.#pendingBytes += bytes.length;
    }
  }

  #removeHeard(buffer: SourceBuffer, whenOver: number, kept: number): boolean {
    if (buffer.buffered.length === 0) {
      return false;
    }
    const start = buffer.buffered.start(0);
    const heard = this.#audio.currentTime - start;
    if (heard <= whenOver) {
      return false;
    }
    buffer.remove(start, start + heard - kept);
    return true;
  }

  #fail(message: string): void {
    if (!this.#closed) {
      this.close();
      this.#events.onFailure(new Error(message));
    }
  }
}

function concatenate(chunks: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) {
    return first;
  }
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
