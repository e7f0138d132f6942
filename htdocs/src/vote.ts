/**
 * One listener's vote to skip a track. The server keeps a vote as long as the listener's stream, and tells how many
 * there are but not whose; a listener who has voted means it until the track is over. So a vote is kept here, and cast
 * again when it may be gone: after the stream was lost, and when nobody knows whether the server has got it.
 */

import { ApiError, type Metadata, type Track } from "./api.js";
import { retryDelayMs } from "./backoff.js";
import { systemClock, type Clock, type TimerId } from "./clock.js";
import type { PlayerState } from "./player.js";

export interface BallotOptions {
  /** Has the vote counted: `Api.veto` with the listener's id. */
  put: () => Promise<void>;
  /** `isCast` or `problem` may have changed. */
  onChange: () => void;
  clock?: Clock;
  random?: () => number;
}

export class Ballot {
  readonly #put: () => Promise<void>;
  readonly #onChange: () => void;
  readonly #clock: Clock;
  readonly #random: () => number;

  #isCast = false;
  /** The server has counted votes since ours was cast: if it then counts none, ours is gone too. */
  #isCounted = false;
  /** The stream was lost, and the vote with it: it is to be cast again with the next one. */
  #wentWithStream = false;
  #streamsLost = 0;
  /** What is known to play does play: a vote is for what plays when it arrives. */
  #newsIsFresh = false;
  /** Ends the wait before a vote that was not answered is tried again. */
  #wait: TimerId | null = null;
  #unanswered = 0;
  #problem: string | null = null;
  #player: PlayerState = "stopped";
  #metadata: Metadata | null = null;

  constructor(options: BallotOptions) {
    this.#put = options.put;
    this.#onChange = options.onChange;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** The listener has voted to skip the track that plays, as far as one can know. */
  get isCast(): boolean {
    return this.#isCast;
  }

  /** Why the vote does not count, or not yet; fit to be shown. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Votes; twice counts once. */
  async cast(): Promise<void> {
    const track = this.#track;
    const streamsLost = this.#streamsLost;
    this.#stopWaiting();
    let error: unknown = null;
    try {
      await this.#put();
    } catch (failure) {
      error = failure;
    }
    // Otherwise it was about something that is over.
    if (this.#player !== "stopped" && sameTrack(track, this.#track)) {
      this.#answered(error, streamsLost !== this.#streamsLost);
      this.#onChange();
    }
  }

  /** The listener's player is in this state now. */
  playerIs(state: PlayerState): void {
    this.#player = state;
    if (state === "stopped") {
      this.#forget();
      this.#wentWithStream = false;
    } else if (state === "reconnecting") {
      this.#wentWithStream = true;
      this.#streamsLost += 1;
      this.#stopWaiting();
    } else {
      this.#castAgain();
    }
  }

  /** The server cannot be heard just now: what it said last may be over. */
  newsIsOld(): void {
    this.#newsIsFresh = false;
  }

  /** The server says this now. */
  received(news: Metadata): void {
    const trackChanged = this.#metadata !== null && !sameTrack(this.#metadata.track, news.track);
    this.#metadata = news;
    this.#newsIsFresh = true;
    if (trackChanged) {
      this.#forget();
    }
    this.#castAgain();
    if (this.#isCast && !this.#mayBeGone) {
      // The same track has begun again if votes that there were are gone. A message from before the vote, though, has
      // no votes either.
      if (news.vetoCount > 0) {
        this.#isCounted = true;
      } else if (this.#isCounted) {
        this.#forget();
      }
    }
  }

  get #track(): Track | null {
    return this.#metadata?.track ?? null;
  }

  get #mayBeGone(): boolean {
    return this.#wentWithStream || this.#wait !== null;
  }

  /** Casts a vote that may be gone, once somebody listens again and the track is known to be the same. */
  #castAgain(): void {
    if (this.#wentWithStream && this.#player === "playing" && this.#newsIsFresh) {
      this.#wentWithStream = false;
      if (this.#isCast) {
        void this.cast();
      }
    }
  }

  #answered(error: unknown, streamWasLost: boolean): void {
    this.#problem = null;
    this.#isCounted = false;
    if (error === null && streamWasLost) {
      this.#isCast = true;
      this.#tryAgainLater();
    } else if (error === null) {
      this.#isCast = true;
      this.#isCounted = this.#metadata !== null && this.#metadata.vetoCount > 0;
      this.#unanswered = 0;
    } else if (error instanceof ApiError && mayBeGivenAgain(error)) {
      this.#isCast = true;
      this.#problem = error.message;
      this.#tryAgainLater(error.retryAfterSeconds);
    } else {
      this.#isCast = false;
      // 409: the track had just ended.
      this.#problem = error instanceof ApiError && error.status === 409 ? null : messageOf(error);
    }
  }

  #tryAgainLater(askedSeconds?: number): void {
    if (this.#mayBeGone) {
      return;
    }
    const delayMs = retryDelayMs(this.#unanswered, this.#random(), askedSeconds);
    this.#unanswered += 1;
    this.#wait = this.#clock.setTimeout(() => {
      this.#wait = null;
      this.#wentWithStream = true;
      this.#castAgain();
    }, delayMs);
  }

  #stopWaiting(): void {
    if (this.#wait !== null) {
      this.#clock.clearTimeout(this.#wait);
      this.#wait = null;
    }
  }

  #forget(): void {
    this.#stopWaiting();
    this.#isCast = false;
    this.#isCounted = false;
    this.#unanswered = 0;
    this.#problem = null;
  }
}

export function sameTrack(one: Track | null, other: Track | null): boolean {
  return one === other || (one !== null && other !== null && one.uri === other.uri && one.name === other.name);
}

/**
 * Nobody has answered; or a server that does not have our stream (any more), which the player will notice soon; or one
 * that cannot tell now, as when it is being upgraded.
 */
function mayBeGivenAgain({ status }: ApiError): boolean {
  return [0, 404, 502, 503, 504].includes(status);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
