/**
 * Asks the server once a second, never twice at a time, and not while it is told to rest. What it answers, and that it
 * does not, goes to whoever made this.
 */
const intervalMs = 1000;
const patienceMs = 4000;
const slowestShown = 10;
export class Poller {
    #options;
    #awake = false;
    #asking = false;
    #timer = null;
    constructor(options) {
        this.#options = options;
    }
    wake() {
        this.#awake = true;
        if (!this.#asking && this.#timer === null) {
            void this.#ask();
        }
    }
    rest() {
        this.#awake = false;
        this.#options.clock.clearTimeout(this.#timer);
        this.#timer = null;
    }
    async #ask() {
        const { clock, onAnswer, onFailure } = this.#options;
        const asked = clock.now();
        this.#asking = true;
        try {
            const [status, listeners] = await Promise.all([
                this.#get("status"),
                this.#get(`status/listeners?sort=lag&limit=${slowestShown}`),
            ]);
            if (this.#awake) {
                onAnswer({ status: JSON.parse(status), slowest: parseListeners(listeners) });
            }
        }
        catch (error) {
            if (this.#awake) {
                onFailure(error instanceof Error ? error.message : String(error));
            }
        }
        this.#asking = false;
        if (this.#awake) {
            this.#timer = clock.setTimeout(() => {
                this.#timer = null;
                void this.#ask();
            }, Math.max(0, intervalMs - (clock.now() - asked)));
        }
    }
    async #get(path) {
        const response = await this.#options.fetch(path, { signal: AbortSignal.timeout(patienceMs), cache: "no-store" });
        if (!response.ok) {
            throw new Error(`the server answers ${response.status}`);
        }
        return response.text();
    }
}
/** Ids become strings before they can become numbers, which do not hold them. Exported for tests. */
export function parseListeners(json) {
    const { listeners } = JSON.parse(json.replaceAll(/"id":(\d+)/g, '"id":"$1"'));
    return listeners;
}
