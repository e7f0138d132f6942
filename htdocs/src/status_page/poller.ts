/**
 * Asks the server once a second, never twice at a time, and not while it is told to rest. What it answers, and that it
 * does not, goes to whoever made this.
 */

import type { Clock, TimerId } from "../clock.js";
import type { ListenerStatus, ServerStatus } from "./server_status.js";

export interface Answer {
  status: ServerStatus;
  slowest: ListenerStatus[];
}

export interface PollerOptions {
  clock: Clock;
  fetch: typeof fetch;
  onAnswer(answer: Answer): void;
  /** Each time that it does not answer. */
  onFailure(reason: string): void;
}

const intervalMs = 1000;
const patienceMs = 4000;
const slowestShown = 10;

export class Poller {
  readonly #options: PollerOptions;
  #awake = false;
  #asking = false;
  #timer: TimerId = null;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  wake(): void {
    this.#awake = true;
    if (!this.#asking && this.#timer === null) {
      void this.#ask();
    }
  }

  rest(): void {
    this.#awake = false;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #ask(): Promise<void> {
    const { clock, onAnswer, onFailure } = this.#options;
    const asked = clock.now();
    this.#asking = true;
    try {
      const [status, listeners] = await Promise.all([
        this.#get("status"),
        this.#get(`status/listeners?sort=lag&limit=${slowestShown}`),
      ]);
      if (this.#awake) {
        onAnswer({ status: JSON.parse(status) as ServerStatus, slowest: parseListeners(listeners) });
      }
    } catch (error) {
      if (this.#awake) {
        onFailure(error instanceof Error ? error.message : String(error));
      }
    }
    this.#asking = false;
    if (this.#awake) {
      this.#timer = clock.setTimeout(
        () => {
          this.#timer = null;
          void this.#ask();
        },
        Math.max(0, intervalMs - (clock.now() - asked)),
      );
    }
  }

  async #get(path: string): Promise<string> {
    const response = await this.#options.fetch(path, { signal: AbortSignal.timeout(patienceMs), cache: "no-store" });
    if (!response.ok) {
      throw new Error(`the server answers ${response.status}`);
    }
    return response.text();
  }
}

/** Ids become strings before they can become numbers, which do not hold them. Exported for tests. */
export function parseListeners(json: string): ListenerStatus[] {
  const { listeners } = JSON.parse(json.replaceAll(/"id":(\d+)/g, '"id":"$1"')) as { listeners: ListenerStatus[] };
  return listeners;
}
