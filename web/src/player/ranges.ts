/** Decides where a live or playing picture should be: pure arithmetic on buffered ranges, in seconds of media time. Touches no element. */

export interface Range {
  start: number;
  end: number;
}

export interface Steering {
  /** Jump here, or null to stay. */
  seek: number | null;
  rate: number;
}

const TOLERANCE_S = 0.06;
const EDGE_S = 0.15;
const JUMP_BEHIND_S = 1.5;
const TRACKS_WAIT_S = 0.7;

export function toRanges(buffered: TimeRanges): Range[] {
  return Array.from({ length: buffered.length }, (_, i) => ({ start: buffered.start(i), end: buffered.end(i) }));
}

export function rangeAt(ranges: readonly Range[], time: number): Range | null {
  return ranges.find((range) => time >= range.start - TOLERANCE_S && time <= range.end + TOLERANCE_S) ?? null;
}

/** Start of the next range when `time` is in a gap or at the very end of a range; null when there is nothing to jump over. */
export function gapJump(ranges: readonly Range[], time: number): number | null {
  const here = rangeAt(ranges, time);
  if (here && here.end - time > EDGE_S) return null;
  const next = ranges.find((range) => range.start > time + 0.001 && range !== here);
  return next ? next.start + 0.01 : null;
}

/**
 * Keeps a live picture `target` seconds behind the newest frame: small differences by a playback rate nobody notices,
 * large ones by a jump. `rate` is the rate in force, so that it changes only when it must.
 */
export function steerLive(ranges: readonly Range[], time: number, target: number, rate: number): Steering {
  const last = ranges.at(-1);
  if (!last) return { seek: null, rate: 1 };
  const aim = Math.max(last.start, last.end - target);
  const behind = last.end - time;
  if (behind > Math.max(target * 3, JUMP_BEHIND_S) || behind < -1) return { seek: aim, rate: 1 };
  if (!rangeAt(ranges, time)) return { seek: time < last.start ? Math.max(aim, last.start + 0.01) : null, rate: 1 };
  const jump = gapJump(ranges, time);
  if (jump !== null) return { seek: Math.max(jump, aim), rate: 1 };
  if (behind > target * 2 + 0.6) return { seek: null, rate: 1.2 };
  if (behind > target * 2 + 0.25) return { seek: null, rate: Math.max(1.12, rate) };
  if (behind < target * 0.45) return { seek: null, rate: 0.94 };
  if (rate > 1 && behind > target * 1.1) return { seek: null, rate };
  if (rate < 1 && behind < target * 0.9) return { seek: null, rate };
  return { seek: null, rate: 1 };
}

/** What to drop from the buffer so that at most `keep` seconds behind the picture stay; null while it is not worth it. */
export function trim(ranges: readonly Range[], time: number, keep: number): Range | null {
  const first = ranges[0];
  if (!first || time - first.start < keep * 1.5) return null;
  return { start: first.start, end: time - keep };
}

/**
 * How far behind the newest frame is safe: half as much again as the longest recent wait between arrivals.
 * The memory fades, so that one bad second is forgiven within half a minute.
 */
export class JitterTarget {
  #longest = 0.1;
  #last: number | null = null;
  #trackLag = 0;

  arrived(now_s: number): void {
    if (this.#last !== null) {
      const gap = Math.min(4, now_s - this.#last);
      this.#longest = Math.max(gap, this.#longest * (1 - Math.min(0.5, gap * 0.08)));
    }
    this.#last = now_s;
  }

  /** Tracks of a picture come a little after it: `lag_s` is how much. The picture waits for them, within reason. */
  tracked(lag_s: number): void {
    const lag = Math.max(0, Math.min(TRACKS_WAIT_S, lag_s));
    this.#trackLag = Math.max(lag, this.#trackLag * 0.97);
  }

  get seconds(): number {
    const tracks = this.#trackLag > 0 ? Math.min(TRACKS_WAIT_S, this.#trackLag + 0.05) : 0;
    return Math.min(2.5, Math.max(0.15, this.#longest * 1.5, tracks));
  }

  reset(): void {
    this.#last = null;
  }
}
