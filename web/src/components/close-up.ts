/** Where a card's picture leans: towards the object, never so close that the scene is lost. Pure. */
import type { Box } from "../api/types";

export interface CloseUp {
  /** Origin of the scaling, per cent of the picture. */
  x: number;
  y: number;
  scale: number;
}

const WANTED_HEIGHT = 0.5;
const MOST = 2.4;

export function closeUp(box: Box | null): CloseUp | null {
  if (!box) return null;
  const height = Math.max(0.01, box[3] - box[1]);
  const width = Math.max(0.01, box[2] - box[0]);
  const scale = Math.min(MOST, WANTED_HEIGHT / height, 0.8 / width);
  if (scale <= 1.05) return null;
  return { x: origin((box[0] + box[2]) / 2, scale), y: origin((box[1] + box[3]) / 2, scale), scale };
}

/** The fixed point that brings `centre` to the middle, held inside the picture's edges. */
function origin(centre: number, scale: number): number {
  const fixed = (centre * scale - 0.5) / (scale - 1);
  return Math.round(Math.max(0, Math.min(1, fixed)) * 1000) / 10;
}
