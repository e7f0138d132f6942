/**
 * One listener's vote to skip a track. The server keeps a vote as long as the listener's stream, and tells how many
 * there are but not whose; a listener who has voted means it until the track is over. So a vote is kept here, and cast
 * again when it may be gone: after the stream was lost, and when nobody knows whether the server has got it.
 */
import { ApiError } from "./api.js";
import { retryDelayMs } from "./backoff.js";
import { systemClock } from "./clock.js";
export class Ballot {
    #put;
    #onChange;
    #clock;
    #random;
    #isCast = false;
    /** The server has counted votes since ours was cast: if it then counts none, ours is gone too. */
    #isCounted = false;
    /** The stream was lost, and the vote with it: it is to be cast again with the next one. */
    #wentWithStream = false;
    /** Ends the wait before a vote that was not answered is tried again. */
    #wait = null;
    #unanswered = 0;
    #problem = null;
    #player = "stopped";
    #metadata = null;
    constructor(options) {
        this.#put = options.put;
        this.#onChange = options.onChange;
        this.#clock = options.clock ?? systemClock;
        this.#random = options.random ?? Math.random;
    }
    /** The listener has voted to skip the track that plays, as far as one can know. */
    get isCast() {
        return this.#isCast;
    }
    /** Why the vote does not count, or not yet; fit to be shown. */
    get problem() {
        return this.#problem;
    }
    /** Votes; twice counts once. */
    async cast() {
        const track = this.#track;
        this.#stopWaiting();
        let error = null;
        try {
            await this.#put();
        }
        catch (failure) {
            error = failure;
        }
        // Otherwise it was about something that is over.
        if (this.#player !== "stopped" && sameTrack(track, this.#track)) {
            this.#answered(error);
            this.#onChange();
        }
    }
    /** The listener's player is in this state now. */
    playerIs(state) {
        this.#player = state;
        if (state === "stopped") {
            this.#forget();
            this.#wentWithStream = false;
        }
        else if (state === "reconnecting") {
            this.#wentWithStream = true;
            this.#stopWaiting();
        }
        else if (state === "playing" && this.#wentWithStream) {
            this.#wentWithStream = false;
            if (this.#isCast) {
                void this.cast();
            }
        }
    }
    /** The server says this now. */
    received(news) {
        const trackChanged = this.#metadata !== null && !sameTrack(this.#metadata.track, news.track);
        this.#metadata = news;
        if (trackChanged) {
            this.#forget();
        }
        else if (this.#isCast && !this.#mayBeGone) {
            // The same track has begun again if votes that there were are gone. A message from before the vote, though, has
            // no votes either.
            if (news.vetoCount > 0) {
                this.#isCounted = true;
            }
            else if (this.#isCounted) {
                this.#forget();
            }
        }
    }
    get #track() {
        return this.#metadata?.track ?? null;
    }
    get #mayBeGone() {
        return this.#wentWithStream || this.#wait !== null;
    }
    #answered(error) {
        this.#problem = null;
        this.#isCounted = false;
        if (error === null) {
            this.#isCast = true;
            this.#isCounted = !this.#mayBeGone && this.#metadata !== null && this.#metadata.vetoCount > 0;
            this.#unanswered = 0;
        }
        else if (error instanceof ApiError && mayBeGivenAgain(error)) {
            this.#isCast = true;
            this.#problem = error.message;
            this.#tryAgainLater(error.retryAfterSeconds);
        }
        else {
            this.#isCast = false;
            // 409: the track had just ended.
            this.#problem = error instanceof ApiError && error.status === 409 ? null : messageOf(error);
        }
    }
    #tryAgainLater(askedSeconds) {
        if (this.#mayBeGone) {
            return;
        }
        const delayMs = retryDelayMs(this.#unanswered, this.#random(), askedSeconds);
        this.#unanswered += 1;
        this.#wait = this.#clock.setTimeout(() => {
            this.#wait = null;
            if (this.#player === "playing") {
                void this.cast();
            }
            else {
                this.#wentWithStream = true;
            }
        }, delayMs);
    }
    #stopWaiting() {
        if (this.#wait !== null) {
            this.#clock.clearTimeout(this.#wait);
            this.#wait = null;
        }
    }
    #forget() {
        this.#stopWaiting();
        this.#isCast = false;
        this.#isCounted = false;
        this.#unanswered = 0;
        this.#problem = null;
    }
}
export function sameTrack(one, other) {
    return one === other || (one !== null && other !== null && one.uri === other.uri && one.name === other.name);
}
/**
 * Nobody has answered; or a server that does not have our stream (any more), which the player will notice soon; or one
 * that cannot tell now, as when it is being upgraded.
 */
function mayBeGivenAgain({ status }) {
    return status === 0 || status === 404 || status >= 500;
}
function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}
