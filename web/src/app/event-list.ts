/** A list of events, newest first, as pages and live messages arrive. Pure. */
import type { EyespotEvent } from "../api/types";

export interface EventFilter {
  camera: string;
  kind: string;
  label: string;
  zone: string;
  day: string;
}

export function matches(event: EyespotEvent, filter: EventFilter, range: { from: number; to: number } | null): boolean {
  const start = event.start_wall_ns / 1e6;
  return (
    (filter.camera === "" || event.camera === filter.camera) &&
    (filter.kind === "" || event.kind === filter.kind) &&
    (filter.label === "" || event.label === filter.label) &&
    (filter.zone === "" || event.zone === filter.zone) &&
    (range === null || (start >= range.from && start < range.to))
  );
}

/** Replaces an event already listed; null when it is not listed. */
export function update(list: readonly EyespotEvent[], event: EyespotEvent): EyespotEvent[] | null {
  const at = list.findIndex((item) => item.id === event.id);
  return at < 0 ? null : list.with(at, event);
}

/** Adds events in their place, newest first, each once; the later word about an event wins. */
export function merge(list: readonly EyespotEvent[], more: readonly EyespotEvent[]): EyespotEvent[] {
  const byId = new Map(list.map((event) => [event.id, event]));
  for (const event of more) byId.set(event.id, event);
  return [...byId.values()].sort((a, b) => b.start_wall_ns - a.start_wall_ns || (a.id < b.id ? 1 : -1));
}

/** Runs of one local day, for headings. */
export function byDay(list: readonly EyespotEvent[], dayOf: (ms: number) => string): { day: string; events: EyespotEvent[] }[] {
  const groups: { day: string; events: EyespotEvent[] }[] = [];
  for (const event of list) {
    const day = dayOf(event.start_wall_ns / 1e6);
    const last = groups.at(-1);
    if (last?.day === day) last.events.push(event);
    else groups.push({ day, events: [event] });
  }
  return groups;
}
