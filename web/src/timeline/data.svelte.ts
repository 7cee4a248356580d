/** Coverage and events of one camera around what is seen, asked for again as it moves or grows. */
import { ApiError, getJson, isAbort, withQuery } from "../api/client";
import { toMs, toNs } from "../api/time";
import type { EyespotEvent, TimelineAnswer } from "../api/types";
import type { Mark } from "./draw";
import { neighbour, type View } from "./scale";

const PAD = 0.6;
const DAY_MS = 86_400_000;

export class TimelineData {
  coverage = $state.raw<{ from: number; to: number }[]>([]);
  marks = $state.raw<Mark[]>([]);
  loaded = $state(false);
  failure = $state.raw<ApiError | null>(null);
  #abort: AbortController | null = null;
  #got: View | null = null;

  constructor(readonly camera: string) {}

  /** Asks when the view leaves what is known, or has zoomed in so far that finer detail is worth it. */
  async ensure(view: View, { fresh = false } = {}): Promise<void> {
    const span = view.to - view.from;
    const got = this.#got;
    if (!fresh && got && view.from >= got.from && view.to <= got.to && got.to - got.from < span * 12) return;
    await this.#load({ from: view.from - span * PAD, to: view.to + span * PAD });
  }

  async newest(): Promise<number | null> {
    const now = Date.now();
    const answer = await this.#ask({ from: now - 7 * DAY_MS, to: now + 3600_000 });
    const last = answer.coverage.at(-1);
    return last ? toMs(last.to_ns) : null;
  }

  /** Start of the next or previous event, also beyond what is loaded; null when there is none. */
  async jump(from: number, direction: 1 | -1): Promise<number | null> {
    const near = neighbour(this.marks.map((mark) => mark.start), from, direction);
    if (near !== null) return near;
    if (direction > 0) {
      const answer = await this.#ask({ from: from + 500, to: from + DAY_MS });
      return neighbour(answer.events.map((event) => toMs(event.start_ns)), from, 1);
    }
    const path = withQuery("/events", { camera: this.camera, to_ns: toNs(from - 1500), limit: 1 });
    const found = (await getJson<{ events: EyespotEvent[] }>(path)).events[0];
    return found ? toMs(found.start_wall_ns) : null;
  }

  async #load(range: View): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const answer = await this.#ask(range, abort.signal);
      this.#got = range;
      this.coverage = answer.coverage.map((span) => ({ from: toMs(span.from_ns), to: toMs(span.to_ns) }));
      this.marks = answer.events
        .map((event) => ({ id: event.id, label: event.label, start: toMs(event.start_ns), end: event.end_ns === null ? Date.now() : toMs(event.end_ns) }))
        .sort((a, b) => a.start - b.start);
      this.failure = null;
      this.loaded = true;
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
  }

  #ask(range: View, signal?: AbortSignal): Promise<TimelineAnswer> {
    const path = withQuery(`/cameras/${encodeURIComponent(this.camera)}/timeline`, { from_ns: toNs(Math.max(0, range.from)), to_ns: toNs(range.to) });
    return getJson<TimelineAnswer>(path, signal);
  }
}
