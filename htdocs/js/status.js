/**
 * What the page says about its connections, in a word or two: a pure function, used by `main`.
 */
export function statusOf(player, notify) {
    switch (player) {
        case "playing":
            return { text: "Live", tone: "good" };
        case "buffering":
            return { text: "Buffering", tone: "busy" };
        case "connecting":
            return { text: "Connecting", tone: "busy" };
        case "reconnecting":
            return { text: "Reconnecting", tone: "bad" };
        case "silent":
            return { text: "Paused by the source", tone: "idle" };
        case "stopped":
            return notify === "waiting" ? { text: "Server not reached", tone: "bad" } : { text: "Not listening", tone: "idle" };
    }
}
