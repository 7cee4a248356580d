/** Geometry of zones and lines on the picture. Pure; fractions of the picture unless a name says pixels. */
import type { Line, Mask, Point, Rules, Zone } from "../api/types";

export const POINTS_MOST = 64;

export function held(value: number): number {
  return Math.round(Math.max(0, Math.min(1, value)) * 10_000) / 10_000;
}

export function heldPoint([x, y]: Point): Point {
  return [held(x), held(y)];
}

/** Moves all points together, stopping at the picture's edge without changing the shape. */
export function shift(points: readonly Point[], dx: number, dy: number): Point[] {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const x = Math.max(-Math.min(...xs), Math.min(1 - Math.max(...xs), dx));
  const y = Math.max(-Math.min(...ys), Math.min(1 - Math.max(...ys), dy));
  return points.map((p) => [held(p[0] + x), held(p[1] + y)]);
}

export function middle(a: Point, b: Point): Point {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

export function centre(points: readonly Point[]): Point {
  const sum = points.reduce<Point>((total, p) => [total[0] + p[0], total[1] + p[1]], [0, 0]);
  return [sum[0] / Math.max(1, points.length), sum[1] / Math.max(1, points.length)];
}

/**
 * The arrow of a line in pixels: from its middle to the side that counts as *in*, the right-hand side of somebody who
 * walks from a to b as the picture shows it (y grows downwards). Null for a line without length.
 */
export function arrow(a: Point, b: Point, width: number, height: number, length_px: number): { from: Point; to: Point; out: Point } | null {
  const dx = (b[0] - a[0]) * width;
  const dy = (b[1] - a[1]) * height;
  const size = Math.hypot(dx, dy);
  if (size < 1) return null;
  const nx = -dy / size;
  const ny = dx / size;
  const mid: Point = [((a[0] + b[0]) / 2) * width, ((a[1] + b[1]) / 2) * height];
  return { from: mid, to: [mid[0] + nx * length_px, mid[1] + ny * length_px], out: [mid[0] - nx * length_px, mid[1] - ny * length_px] };
}

export function distancePx(a: Point, b: Point, width: number, height: number): number {
  return Math.hypot((a[0] - b[0]) * width, (a[1] - b[1]) * height);
}

/** First name of the form `Zone 1` that none of the shapes has. */
export function freshName(shapes: readonly { name: string }[], word: string): string {
  const taken = new Set(shapes.map((shape) => shape.name));
  let n = 1;
  while (taken.has(`${word} ${n}`)) n += 1;
  return `${word} ${n}`;
}

export function newZone(rules: Rules, points: Point[], word: string): Zone {
  return { name: freshName([...rules.zones, ...rules.lines], word), points: points.map(heldPoint), labels: [], loiter_s: null, max_objects: null };
}

export function newLine(rules: Rules, a: Point, b: Point, word: string): Line {
  return { name: freshName([...rules.zones, ...rules.lines], word), a: heldPoint(a), b: heldPoint(b), labels: [] };
}

export function newMask(rules: Rules, points: Point[], word: string): Mask {
  return { name: freshName(rules.masks, word), points: points.map(heldPoint) };
}

/** What is wrong with a shape's name, as a key of the texts; null when nothing is. Masks have names of their own. */
export function nameProblem(rules: Rules, shape: { name: string }): "nameEmpty" | "nameTaken" | null {
  if (shape.name.trim() === "") return "nameEmpty";
  const kin = rules.masks.some((mask) => mask === shape) ? rules.masks : [...rules.zones, ...rules.lines];
  return kin.filter((other) => other.name === shape.name).length > 1 ? "nameTaken" : null;
}

/** Whether every shape has a name that may be saved. */
export function allNamed(rules: Rules): boolean {
  return [...rules.zones, ...rules.lines, ...rules.masks].every((shape) => nameProblem(rules, shape) === null);
}
