/**
 * What the page's graphs draw: from two answers of the server, what happened between them; and of the last minutes a
 * bounded list of that. Pure.
 */

import type { AgeClass, ServerStatus } from "./server_status.js";

export interface Point {
  /** Seconds, on the same clock as all others. */
  at: number;
  listeners: number;
  /** Milliseconds; null when no frame was sent. */
  ages: { p50: number; p90: number; p99: number } | null;
  skipsPerSecond: number;
  bytesPerSecond: number;
  /** By slot, in processors; null where the interval has another process at its end than at its beginning. */
  cpu: (number | null)[];
}

/** What happened between two answers that came `seconds` apart; null when nothing can be said, as after a restart of the server. */
export function pointBetween(before: ServerStatus, after: ServerStatus, seconds: number, at: number): Point | null {
  const skips = after.totals.frames_skipped - before.totals.frames_skipped;
  const bytes = after.totals.bytes_sent - before.totals.bytes_sent;
  if (before.pid !== after.pid || after.uptime_s < before.uptime_s || skips < 0 || bytes < 0 || seconds <= 0) {
    return null;
  }
  const cpu: (number | null)[] = [];
  for (const worker of after.workers) {
    const earlier = before.workers.find(({ slot }) => slot === worker.slot);
    const same = earlier !== undefined && earlier.generation === worker.generation;
    const used = same ? cpuSeconds(worker) : null;
    const usedBefore = same ? cpuSeconds(earlier) : null;
    cpu[worker.slot] = used === null || usedBefore === null ? null : Math.max(0, (used - usedBefore) / seconds);
  }
  const classes = difference(before.totals.frame_age.classes, after.totals.frame_age.classes);
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((part) => quantileMs(classes, part));
  return {
    at,
    listeners: after.totals.listeners,
    ages: p50 == null || p90 == null || p99 == null ? null : { p50, p90, p99 },
    skipsPerSecond: skips / seconds,
    bytesPerSecond: bytes / seconds,
    cpu,
  };
}

function cpuSeconds({ cpu_user_s, cpu_system_s }: { cpu_user_s: number | null; cpu_system_s: number | null }): number | null {
  return cpu_user_s === null || cpu_system_s === null ? null : cpu_user_s + cpu_system_s;
}

function difference(before: readonly AgeClass[], after: readonly AgeClass[]): AgeClass[] {
  return after.map(({ up_to_ms, frames }, place) => ({ up_to_ms, frames: Math.max(0, frames - (before[place]?.frames ?? 0)) }));
}

/** As docs/status.md describes it: evenly spread within a class, and of the last one its lower bound. */
export function quantileMs(classes: readonly AgeClass[], part: number): number | null {
  const all = classes.reduce((sum, { frames }) => sum + frames, 0);
  if (all === 0) {
    return null;
  }
  const wanted = part * all;
  let seen = 0;
  let lower = 0;
  for (const { up_to_ms: upper, frames } of classes) {
    if (upper === null) {
      break;
    }
    if (frames > 0 && seen + frames >= wanted) {
      return lower + ((upper - lower) * (wanted - seen)) / frames;
    }
    seen += frames;
    lower = upper;
  }
  return lower;
}

/** The points of the last `seconds`. */
export class History {
  readonly #seconds: number;
  #points: Point[] = [];

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  get points(): readonly Point[] {
    return this.#points;
  }

  add(point: Point): void {
    this.#points = this.#points.filter(({ at }) => at >= point.at - this.#seconds);
    this.#points.push(point);
  }
}
