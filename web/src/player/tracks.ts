/** Tracks waiting for their picture, found by media time and never by arrival. Pure; drawing is draw.ts. */
import type { Box, Point, Track } from "../api/types";

export interface TracksAt {
  t_s: number;
  moving: boolean;
  tracks: Track[];
}

export interface Placed {
  track: Track;
  box: Box;
}

const KEPT = 600;
const TRACKS_MOST = 512;
/** Tracks older than this against the picture are not drawn, unless the scene stands still. */
const STALE_S = 1.5;
const BRIDGE_S = 1.2;
const PREDICT_S = 0.25;

export class TrackBuffer {
  #list: TracksAt[] = [];

  get size(): number {
    return this.#list.length;
  }

  clear(): void {
    this.#list = [];
  }

  /** Keeps the list in order of media time, also when messages overtake each other. */
  add(message: TracksAt): void {
    const entry = { ...message, tracks: message.tracks.slice(0, TRACKS_MOST) };
    let i = this.#list.length;
    while (i > 0 && (this.#list[i - 1] as TracksAt).t_s > entry.t_s) i -= 1;
    if (i > 0 && (this.#list[i - 1] as TracksAt).t_s === entry.t_s) this.#list[i - 1] = entry;
    else this.#list.splice(i, 0, entry);
    if (this.#list.length > KEPT) this.#list.splice(0, this.#list.length - KEPT);
  }

  /** Index of the first entry later than `t`. */
  #after(t: number): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle] as TracksAt).t_s <= t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  nearest(t: number): TracksAt | null {
    const i = this.#after(t);
    const before = this.#list[i - 1] ?? null;
    const after = this.#list[i] ?? null;
    if (!before || !after) return before ?? after;
    return t - before.t_s <= after.t_s - t ? before : after;
  }

  /**
   * Boxes as they stand at picture time `t`: between two messages in proportion, past the newest one by its velocity
   * for a moment. Which objects are drawn is always decided by the nearest message.
   */
  placedAt(t: number): Placed[] {
    const near = this.nearest(t);
    if (!near || (near.moving && Math.abs(near.t_s - t) > STALE_S)) return [];
    const i = this.#after(t);
    const before = this.#list[i - 1];
    const after = this.#list[i];
    if (before && after && after.t_s - before.t_s <= BRIDGE_S) return bridge(before, after, near, t);
    const ahead = Math.max(-PREDICT_S, Math.min(PREDICT_S, t - near.t_s));
    return near.tracks.map((track) => ({ track, box: moved(track, ahead) }));
  }

  /**
   * Seconds between the picture at `t` and the moment that the boxes drawn on it stand for: 0 between two messages and as
   * far as prediction reaches; null while nothing is known.
   */
  driftAt(t: number): number | null {
    const near = this.nearest(t);
    if (!near) return null;
    const i = this.#after(t);
    const before = this.#list[i - 1];
    const after = this.#list[i];
    if (before && after && after.t_s - before.t_s <= BRIDGE_S) return 0;
    return Math.max(0, Math.abs(t - near.t_s) - PREDICT_S);
  }

  /** Where the object's feet were during the last `seconds` before `t`, oldest first. */
  trail(id: number, t: number, seconds: number): Point[] {
    const points: Point[] = [];
    for (let i = this.#after(t) - 1; i >= 0; i -= 1) {
      const entry = this.#list[i] as TracksAt;
      if (entry.t_s < t - seconds) break;
      const track = entry.tracks.find((item) => item.id === id);
      if (track) points.push(foot(track.box));
    }
    return points.reverse();
  }
}

export function foot(box: Box): Point {
  return [(box[0] + box[2]) / 2, box[3]];
}

function moved(track: Track, seconds: number): Box {
  if (track.state === "stationary") return track.box;
  const dx = track.velocity[0] * seconds;
  const dy = track.velocity[1] * seconds;
  return [track.box[0] + dx, track.box[1] + dy, track.box[2] + dx, track.box[3] + dy];
}

function bridge(before: TracksAt, after: TracksAt, near: TracksAt, t: number): Placed[] {
  const other = near === before ? after : before;
  const part = near === before ? (t - before.t_s) / (after.t_s - before.t_s) : (after.t_s - t) / (after.t_s - before.t_s);
  const twins = new Map(other.tracks.map((track) => [track.id, track.box]));
  return near.tracks.map((track) => {
    const twin = twins.get(track.id);
    if (!twin) return { track, box: moved(track, t - near.t_s) };
    return { track, box: track.box.map((value, k) => value + ((twin[k] as number) - value) * part) as Box };
  });
}
