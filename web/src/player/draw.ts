/** Draws tracks on a canvas laid over the picture. What to draw, and for which moment, is decided in tracks.ts. */
import { labelColour } from "./colours";
import type { Placed, TrackBuffer } from "./tracks";

const TRAIL_S = 4;
const FONT = '600 12px system-ui, "Segoe UI", Roboto, sans-serif';

/** Fits the canvas's pixels to its size on screen; answers false while it has none. */
export function fit(canvas: HTMLCanvasElement): boolean {
  const ratio = Math.min(3, devicePixelRatio || 1);
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (width === 0 || height === 0) return false;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  canvas.getContext("2d")?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return true;
}

export function clear(canvas: HTMLCanvasElement): void {
  const ctx = canvas.getContext("2d");
  if (!ctx) return;
  ctx.save();
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  ctx.restore();
}

export function drawTracks(canvas: HTMLCanvasElement, buffer: TrackBuffer, t: number, detail: "full" | "boxes"): number {
  const ctx = canvas.getContext("2d");
  if (!ctx || !fit(canvas)) return 0;
  clear(canvas);
  const placed = buffer.placedAt(t);
  for (const item of placed) {
    if (detail === "full") drawTrail(ctx, canvas, buffer, item, t);
    drawBox(ctx, canvas, item);
  }
  const taken: Tag[] = [];
  if (detail === "full") for (const item of placed) taken.push(drawLabel(ctx, canvas, item, taken));
  return placed.length;
}

function drawTrail(ctx: CanvasRenderingContext2D, canvas: HTMLCanvasElement, buffer: TrackBuffer, item: Placed, t: number): void {
  const points = buffer.trail(item.track.id, t, TRAIL_S);
  if (points.length < 2) return;
  const w = canvas.clientWidth;
  const h = canvas.clientHeight;
  ctx.strokeStyle = labelColour(item.track.label);
  ctx.lineWidth = 2;
  ctx.lineCap = "round";
  for (let i = 1; i < points.length; i += 1) {
    const [ax, ay] = points[i - 1] as [number, number];
    const [bx, by] = points[i] as [number, number];
    ctx.globalAlpha = (0.75 * i) / points.length;
    ctx.beginPath();
    ctx.moveTo(ax * w, ay * h);
    ctx.lineTo(bx * w, by * h);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

/** A light corner frame rather than a full rectangle: it marks the object and leaves it to be seen. */
function drawBox(ctx: CanvasRenderingContext2D, canvas: HTMLCanvasElement, { track, box }: Placed): void {
  const x = box[0] * canvas.clientWidth;
  const y = box[1] * canvas.clientHeight;
  const w = (box[2] - box[0]) * canvas.clientWidth;
  const h = (box[3] - box[1]) * canvas.clientHeight;
  const arm = Math.max(4, Math.min(w, h) * 0.28);
  const path = new Path2D();
  for (const [cx, cy, sx, sy] of [[x, y, 1, 1], [x + w, y, -1, 1], [x + w, y + h, -1, -1], [x, y + h, 1, -1]] as const) {
    path.moveTo(cx + sx * arm, cy);
    path.lineTo(cx, cy);
    path.lineTo(cx, cy + sy * arm);
  }
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  ctx.setLineDash(track.state === "occluded" ? [4, 5] : []);
  ctx.globalAlpha = track.state === "stationary" ? 0.6 : 1;
  ctx.strokeStyle = "rgb(0 0 0 / 55%)";
  ctx.lineWidth = 4;
  ctx.stroke(path);
  ctx.strokeStyle = labelColour(track.label);
  ctx.lineWidth = 2;
  ctx.stroke(path);
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

interface Tag {
  x: number;
  y: number;
  width: number;
}

const TAG_H = 18;
/** Below this width of the picture only ids are written: words would cover what they name. */
const NARROW_PX = 520;

/** Moves a tag up past those already placed, so that neighbours stay readable; gives up at the picture's edge. */
export function freeSpot(wanted: Tag, taken: readonly Tag[]): Tag {
  let spot = wanted;
  for (let tries = 0; tries < 4; tries += 1) {
    const hit = taken.find((tag) => spot.x < tag.x + tag.width + 2 && tag.x < spot.x + spot.width + 2 && Math.abs(spot.y - tag.y) < TAG_H);
    if (!hit || hit.y - TAG_H - 1 < 0) return spot;
    spot = { ...spot, y: hit.y - TAG_H - 1 };
  }
  return spot;
}

function drawLabel(ctx: CanvasRenderingContext2D, canvas: HTMLCanvasElement, { track, box }: Placed, taken: readonly Tag[]): Tag {
  const text = canvas.clientWidth < NARROW_PX ? String(track.id) : `${track.label} ${track.id}`;
  ctx.font = FONT;
  const width = ctx.measureText(text).width + 10;
  const x = Math.max(0, Math.min(canvas.clientWidth - width, box[0] * canvas.clientWidth - 1));
  const top = box[1] * canvas.clientHeight - 21;
  const y = top < 0 ? Math.min(canvas.clientHeight - TAG_H, box[1] * canvas.clientHeight + 3) : top;
  const tag = freeSpot({ x, y, width }, taken);
  ctx.fillStyle = "rgb(4 9 11 / 78%)";
  ctx.beginPath();
  ctx.roundRect(tag.x, tag.y, width, TAG_H, 5);
  ctx.fill();
  ctx.fillStyle = labelColour(track.label);
  ctx.textBaseline = "middle";
  ctx.fillText(text, tag.x + 5, tag.y + 9.5);
  return tag;
}
