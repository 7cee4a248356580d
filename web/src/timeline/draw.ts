/** Paints the time axis: ticks, coverage, events, cursor and the part chosen for export. Colours come from the page's tokens. */
import { labelColour } from "../player/colours";
import { rowsFor, ticks, type View, xOf } from "./scale";

export interface Mark {
  id: string;
  start: number;
  end: number;
  label: string;
}

export interface Scene {
  view: View;
  coverage: { from: number; to: number }[];
  marks: Mark[];
  cursor: number;
  now: number;
  hover: number | null;
  selection: { from: number; to: number } | null;
}

export const AXIS_H = 26;
const ROWS = 5;
const COVER_H = 12;

export interface Palette {
  text: string;
  faint: string;
  line: string;
  cover: string;
  empty: string;
  accent: string;
  cursor: string;
}

export function palette(element: HTMLElement): Palette {
  /* light-dark() is resolved by the browser only in a real property, so each token is read through `color`. */
  const probe = document.createElement("i");
  element.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = { text: read("--text-2"), faint: read("--text-3"), line: read("--line"), cover: read("--accent"), empty: read("--surface-3"), accent: read("--accent-strong"), cursor: read("--text") };
  probe.remove();
  return colours;
}

export function paint(ctx: CanvasRenderingContext2D, width: number, height: number, scene: Scene, colours: Palette): void {
  ctx.clearRect(0, 0, width, height);
  paintTicks(ctx, width, height, scene, colours);
  paintCoverage(ctx, width, height, scene, colours);
  paintMarks(ctx, width, height, scene);
  if (scene.selection) paintSelection(ctx, width, height, scene, colours);
  if (scene.hover !== null) {
    ctx.fillStyle = colours.faint;
    ctx.fillRect(Math.round(xOf(scene.view, width, scene.hover)), AXIS_H, 1, height - AXIS_H);
  }
  paintCursor(ctx, width, height, scene, colours);
}

function tickText(ms: number, step: number): string {
  const date = new Date(ms);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
  if (midnight || step >= 86_400_000) return date.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
  return date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false, ...(step < 60_000 ? { second: "2-digit" } : {}) });
}

function paintTicks(ctx: CanvasRenderingContext2D, width: number, height: number, { view }: Scene, colours: Palette): void {
  const offset = new Date(view.from).getTimezoneOffset() * 60_000;
  const { step, at } = ticks(view, width, 92, offset);
  ctx.font = '500 11.5px system-ui, "Segoe UI", Roboto, sans-serif';
  ctx.textBaseline = "middle";
  for (const ms of at) {
    const x = Math.round(xOf(view, width, ms));
    ctx.fillStyle = colours.line;
    ctx.fillRect(x, AXIS_H - 4, 1, height - AXIS_H + 4);
    ctx.fillStyle = colours.text;
    ctx.fillText(tickText(ms, step), x + 5, AXIS_H / 2);
  }
}

function coverTop(height: number): number {
  return height - COVER_H - 10;
}

function paintCoverage(ctx: CanvasRenderingContext2D, width: number, height: number, { view, coverage, now }: Scene, colours: Palette): void {
  const y = coverTop(height);
  const bar = (from: number, to: number, colour: string): void => {
    const x1 = Math.max(-4, xOf(view, width, from));
    const x2 = Math.min(width + 4, xOf(view, width, to));
    if (x2 <= x1) return;
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.roundRect(x1, y, Math.max(1.5, x2 - x1), COVER_H, 3);
    ctx.fill();
  };
  bar(view.from, Math.min(view.to, now), colours.empty);
  for (const span of coverage) bar(span.from, span.to, colours.cover);
}

function paintMarks(ctx: CanvasRenderingContext2D, width: number, height: number, { view, marks }: Scene): void {
  const top = AXIS_H + 6;
  const room = coverTop(height) - top - 6;
  const row_h = room / ROWS;
  const rows = rowsFor(marks, ROWS, ((view.to - view.from) / Math.max(1, width)) * 2);
  marks.forEach((mark, i) => {
    const x1 = xOf(view, width, mark.start);
    const x2 = xOf(view, width, mark.end);
    if (x2 < -4 || x1 > width + 4) return;
    ctx.fillStyle = labelColour(mark.label);
    ctx.globalAlpha = 0.92;
    ctx.beginPath();
    ctx.roundRect(x1, top + (rows[i] ?? 0) * row_h + 1, Math.max(4, x2 - x1), Math.max(3, row_h - 2), 3);
    ctx.fill();
    /* A dark edge tells where one begins, also on top of another. */
    ctx.globalAlpha = 0.45;
    ctx.fillStyle = "#000";
    if (x2 - x1 > 5) ctx.fillRect(x1, top + (rows[i] ?? 0) * row_h + 1, 1, Math.max(3, row_h - 2));
  });
  ctx.globalAlpha = 1;
}

function paintSelection(ctx: CanvasRenderingContext2D, width: number, height: number, { view, selection }: Scene, colours: Palette): void {
  if (!selection) return;
  const x1 = xOf(view, width, selection.from);
  const x2 = xOf(view, width, selection.to);
  ctx.globalAlpha = 0.16;
  ctx.fillStyle = colours.accent;
  ctx.fillRect(x1, AXIS_H, x2 - x1, height - AXIS_H);
  ctx.globalAlpha = 1;
  for (const x of [x1, x2]) {
    ctx.fillRect(x - 1.5, AXIS_H, 3, height - AXIS_H);
    ctx.beginPath();
    ctx.roundRect(x - 5, height / 2 - 2, 10, 24, 5);
    ctx.fill();
  }
}

function paintCursor(ctx: CanvasRenderingContext2D, width: number, height: number, { view, cursor }: Scene, colours: Palette): void {
  const x = xOf(view, width, cursor);
  if (x < -10 || x > width + 10) return;
  ctx.fillStyle = colours.cursor;
  ctx.fillRect(x - 1, AXIS_H - 4, 2, height);
  ctx.beginPath();
  ctx.moveTo(x - 7, AXIS_H - 9);
  ctx.lineTo(x + 7, AXIS_H - 9);
  ctx.lineTo(x, AXIS_H + 2);
  ctx.closePath();
  ctx.fill();
}
