/**
 * What to make of a stream that sends nothing: a pure function, and who asks it once a second. Used by `player`.
 *
 * While the source is stopped silence is as it should be; while it plays, it means that the connection is dead. A
 * connection can die without either end being told, so that somebody has to look.
 */
/** Frames come every 26 ms: after so long a hiccup is none any more. */
const patienceMs = 2000;
/** A stopped source may have gone on without our hearing of it. */
const askAgainMs = 30_000;
/**
 * A source need not say what it plays, and then the server has no track to tell of, as if it were stopped. So after
 * so long without any sound we join again, in case it is the connection that is dead.
 */
const longestSilenceMs = 120_000;
export function judgeSilence({ silentMs, says, sinceAskedMs, asking, random }) {
    if (silentMs < patienceMs) {
        return "wait";
    }
    if (says === "playing") {
        return "reconnect";
    }
    if (silentMs >= longestSilenceMs * (1 + random)) {
        return "reconnect";
    }
    if (asking) {
        return "wait";
    }
    if (says === "unknown") {
        // Spread over two seconds: everybody hears a source stop at the same time.
        return silentMs >= patienceMs * (1 + random) ? "ask" : "wait";
    }
    return sinceAskedMs >= askAgainMs * (1 + random) ? "ask" : "quiet";
}
const lookEveryMs = 1000;
/** What comes less far apart is a stream; its source need not say what it plays. */
const hiccupMs = 200;
export class SilenceWatch {
    #options;
    #timer = null;
    #says = "unknown";
    #heardAt = 0;
    #playsSince = -Infinity;
    #askedAt = -Infinity;
    #asking = false;
    #random = 0;
    #quiet = false;
    /** Counts them, so that an answer that came late is not taken for one about the connection after. */
    #connections = 0;
    constructor(options) {
        this.#options = options;
    }
    /** There is nothing to hear, and nothing wrong. */
    get quiet() {
        const hiccup = this.#options.clock.now() - this.#heardAt < hiccupMs;
        return this.#quiet || (this.#says === "stopped" && !hiccup);
    }
    /** A connection begins. */
    begin() {
        this.end();
        this.#heardAt = this.#options.clock.now();
        this.#asking = false;
        this.#random = this.#options.random();
        this.#timer = this.#options.clock.setTimeout(() => this.#look(), lookEveryMs);
    }
    /** The connection has ended. */
    end() {
        this.#connections += 1;
        this.#options.clock.clearTimeout(this.#timer);
        this.#quiet = false;
    }
    /** Bytes have come. */
    received() {
        this.#heardAt = this.#options.clock.now();
        this.#quiet = false;
    }
    serverSays(says) {
        if (says === "playing" && this.#says !== "playing") {
            this.#playsSince = this.#options.clock.now();
            this.#quiet = false;
        }
        this.#says = says;
        this.#askedAt = this.#options.clock.now();
    }
    #look() {
        this.#timer = this.#options.clock.setTimeout(() => this.#look(), lookEveryMs);
        const now = this.#options.clock.now();
        const silentMs = now - Math.max(this.#heardAt, this.#playsSince);
        const verdict = judgeSilence({
            silentMs,
            says: this.#says,
            sinceAskedMs: now - this.#askedAt,
            asking: this.#asking,
            random: this.#random,
        });
        if (verdict === "reconnect") {
            this.#dead(new Error(`Nothing has come for ${Math.round(silentMs / 1000)} s`));
        }
        else if (verdict === "ask") {
            void this.#ask();
        }
        else if (verdict === "quiet") {
            this.#quiet = true;
        }
        this.#options.onLook();
    }
    #dead(error) {
        this.end();
        this.#options.onDead(error);
    }
    async #ask() {
        const connectedAt = this.#connections;
        this.#asking = true;
        this.#askedAt = this.#options.clock.now();
        try {
            const says = await this.#options.ask();
            if (connectedAt === this.#connections) {
                this.serverSays(says);
            }
        }
        catch {
            if (connectedAt === this.#connections) {
                this.#dead(new Error("The server does not answer"));
            }
        }
        if (connectedAt === this.#connections) {
            this.#asking = false;
        }
    }
}
