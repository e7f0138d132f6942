/**
 * Numbers as people read them. Pure.
 */
const count = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
export function countText(number) {
    return count.format(number);
}
/** Three digits and a unit: "12.3 KB". */
export function bytesText(bytes) {
    for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["KB", 1e3]]) {
        if (bytes >= size) {
            return `${short.format(bytes / size)} ${unit}`;
        }
    }
    return `${short.format(bytes)} B`;
}
export function millisecondsText(ms) {
    return ms >= 1000 ? `${short.format(ms / 1000)} s` : `${short.format(ms)} ms`;
}
/** The two greatest of days, hours, minutes, seconds: "2 d 3 h". */
export function durationText(seconds) {
    const parts = [
        [Math.floor(seconds / 86400), "d"],
        [Math.floor(seconds / 3600) % 24, "h"],
        [Math.floor(seconds / 60) % 60, "min"],
        [Math.floor(seconds) % 60, "s"],
    ];
    const first = parts.findIndex(([number]) => number > 0);
    return first === -1
        ? "0 s"
        : parts
            .slice(first, first + 2)
            .filter(([number]) => number > 0)
            .map(([number, unit]) => `${number} ${unit}`)
            .join(" ");
}
export function percentText(part) {
    return `${Math.round(part * 100)} %`;
}
