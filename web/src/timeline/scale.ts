/** Time axis arithmetic: what part of time is seen, where a moment lies, which ticks to write. Pure; milliseconds and CSS pixels. */

export interface View {
  from: number;
  to: number;
}

export const SHORTEST_MS = 10_000;
export const LONGEST_MS = 31 * 86_400_000;

const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800].map((s) => s * 1000);

export function xOf(view: View, width: number, ms: number): number {
  return ((ms - view.from) / (view.to - view.from)) * width;
}

export function msAt(view: View, width: number, x: number): number {
  return view.from + (x / Math.max(1, width)) * (view.to - view.from);
}

/** Zooms about a moment that stays where it is; never past `latest` by more than a tenth of what is seen. */
export function zoomAbout(view: View, ms: number, factor: number, latest: number): View {
  const span = Math.max(SHORTEST_MS, Math.min(LONGEST_MS, (view.to - view.from) * factor));
  const share = (ms - view.from) / (view.to - view.from);
  const from = ms - share * span;
  return hold({ from, to: from + span }, latest);
}

export function pan(view: View, byMs: number, latest: number): View {
  return hold({ from: view.from + byMs, to: view.to + byMs }, latest);
}

export function hold(view: View, latest: number): View {
  const span = view.to - view.from;
  const end = latest + span * 0.1;
  return view.to > end ? { from: end - span, to: end } : view;
}

/** Moves the view so that `ms` is well inside; the same object when it already is. */
export function follow(view: View, ms: number, latest: number): View {
  const span = view.to - view.from;
  if (ms >= view.from + span * 0.04 && ms <= view.to - span * 0.08) return view;
  return hold({ from: ms - span * 0.3, to: ms + span * 0.7 }, latest);
}

/** Round local moments at least `gap_px` apart, with the step between them. */
export function ticks(view: View, width: number, gap_px: number, offsetMs: number): { step: number; at: number[] } {
  const wanted = ((view.to - view.from) / Math.max(1, width)) * gap_px;
  const step = STEPS_MS.find((candidate) => candidate >= wanted) ?? (STEPS_MS.at(-1) as number);
  const at: number[] = [];
  for (let ms = Math.ceil((view.from - offsetMs) / step) * step + offsetMs; ms <= view.to && at.length < 200; ms += step) at.push(ms);
  return { step, at };
}

/** Lays events in at most `rows` rows so that none hides another where that can be avoided. */
export function rowsFor(events: readonly { start: number; end: number }[], rows: number, gapMs: number): number[] {
  const free = new Array<number>(rows).fill(Number.NEGATIVE_INFINITY);
  return events.map((event) => {
    let row = free.findIndex((end) => end <= event.start);
    if (row < 0) row = free.indexOf(Math.min(...free));
    free[row] = Math.max(free[row] as number, event.end + gapMs);
    return row;
  });
}

/** The nearest event start after (or before) a moment. */
export function neighbour(starts: readonly number[], ms: number, direction: 1 | -1): number | null {
  const candidates = starts.filter((start) => (direction > 0 ? start > ms + 500 : start < ms - 1500));
  if (candidates.length === 0) return null;
  return direction > 0 ? Math.min(...candidates) : Math.max(...candidates);
}
