/** The review page's list: pages from the API, live arrivals held back while somebody reads further down. */
import { ApiError, getJson, isAbort, withQuery } from "../api/client";
import { toNs } from "../api/time";
import type { EyespotEvent } from "../api/types";
import { type EventFilter, matches, merge, update } from "./event-list";
import { dayRange } from "./format";

const PAGE = 48;
const HELD_MOST = 500;

export class ReviewList {
  list = $state.raw<EyespotEvent[]>([]);
  held = $state.raw<EyespotEvent[]>([]);
  loaded = $state(false);
  loading = $state(false);
  next = $state<string | null>(null);
  failure = $state<ApiError | null>(null);
  #filter: EventFilter = { camera: "", kind: "", label: "", zone: "", day: "" };
  #abort: AbortController | null = null;

  /** Whether a new event may be shown at once, or has to wait for a click. */
  constructor(readonly mayShow: () => boolean) {}

  get #range(): { from: number; to: number } | null {
    return this.#filter.day ? dayRange(this.#filter.day) : null;
  }

  async load(filter: EventFilter): Promise<void> {
    this.#filter = filter;
    this.held = [];
    await this.#fetch(null);
  }

  async more(): Promise<void> {
    if (this.next !== null && !this.loading) await this.#fetch(this.next);
  }

  arrived(event: EyespotEvent): void {
    const updated = update(this.list, event);
    if (updated) {
      this.list = updated;
      return;
    }
    if (!this.loaded || !matches(event, this.#filter, this.#range)) return;
    if (this.mayShow()) this.list = merge(this.list, [event]);
    else this.held = merge(this.held, [event]).slice(0, HELD_MOST);
  }

  showHeld(): void {
    this.list = merge(this.list, this.held);
    this.held = [];
  }

  async #fetch(before: string | null): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.loading = true;
    const { camera, kind, label, zone } = this.#filter;
    const range = this.#range;
    const path = withQuery("/events", { camera, kind, label, zone, limit: PAGE, before, from_ns: range && toNs(range.from), to_ns: range && toNs(range.to) });
    try {
      const answer = await getJson<{ events: EyespotEvent[]; next: string | null }>(path, abort.signal);
      this.list = before === null ? answer.events : merge(this.list, answer.events);
      this.next = answer.next;
      this.loaded = true;
      this.failure = null;
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
    this.loading = false;
  }
}
