import { describe, expect, it } from "vitest";
import type { Box, Track } from "../api/types";
import { freeSpot } from "./draw";
import { TrackBuffer } from "./tracks";

function track(id: number, x: number, more: Partial<Track> = {}): Track {
  return { id, label: "person", score: 0.9, box: [x, 0.2, x + 0.1, 0.6] as Box, velocity: [0, 0], state: "active", age_s: 1, zones: [], ...more };
}
const at = (t_s: number, ...tracks: Track[]): { t_s: number; moving: boolean; tracks: Track[] } => ({ t_s, moving: true, tracks });

describe("TrackBuffer", () => {
  it("finds by media time, whatever the order of arrival", () => {
    const buffer = new TrackBuffer();
    for (const t of [0.4, 0, 0.2]) buffer.add(at(t, track(1, t)));
    expect(buffer.nearest(0.29)?.t_s).toBe(0.2);
    expect(buffer.nearest(0.31)?.t_s).toBe(0.4);
    expect(buffer.nearest(-5)?.t_s).toBe(0);
    expect(buffer.nearest(9)?.t_s).toBe(0.4);
    expect(new TrackBuffer().nearest(1)).toBeNull();
  });
  it("replaces a message of the same moment and stays bounded", () => {
    const buffer = new TrackBuffer();
    buffer.add(at(1, track(1, 0)));
    buffer.add(at(1, track(2, 0)));
    expect(buffer.size).toBe(1);
    expect(buffer.nearest(1)?.tracks[0]?.id).toBe(2);
    for (let i = 0; i < 5000; i += 1) buffer.add(at(i));
    expect(buffer.size).toBeLessThanOrEqual(600);
  });
  it("moves a box in proportion between two messages", () => {
    const buffer = new TrackBuffer();
    buffer.add(at(0, track(1, 0)));
    buffer.add(at(0.2, track(1, 0.2)));
    expect(buffer.placedAt(0.05)[0]?.box[0]).toBeCloseTo(0.05);
    expect(buffer.placedAt(0.15)[0]?.box[0]).toBeCloseTo(0.15);
  });
  it("lets the nearest message decide which objects there are", () => {
    const buffer = new TrackBuffer();
    buffer.add(at(0, track(1, 0)));
    buffer.add(at(0.2, track(2, 0.5)));
    expect(buffer.placedAt(0.04).map((item) => item.track.id)).toEqual([1]);
    expect(buffer.placedAt(0.16).map((item) => item.track.id)).toEqual([2]);
  });
  it("predicts for a moment past the newest message, and not for things that stand", () => {
    const buffer = new TrackBuffer();
    buffer.add(at(0, track(1, 0, { velocity: [0.5, 0] }), track(2, 0.5, { velocity: [0.5, 0], state: "stationary" })));
    const [moving, standing] = buffer.placedAt(0.1);
    expect(moving?.box[0]).toBeCloseTo(0.05);
    expect(standing?.box[0]).toBe(0.5);
    expect(buffer.placedAt(1)[0]?.box[0]).toBeCloseTo(0.125);
  });
  it("says how far the drawn boxes are from the picture's own moment", () => {
    const buffer = new TrackBuffer();
    expect(buffer.driftAt(0)).toBeNull();
    buffer.add(at(1, track(1, 0)));
    buffer.add(at(1.4, track(1, 0.2)));
    expect(buffer.driftAt(1.2)).toBe(0);
    expect(buffer.driftAt(1.6)).toBe(0);
    expect(buffer.driftAt(1.95)).toBeCloseTo(0.3);
    expect(buffer.driftAt(0.5)).toBeCloseTo(0.25);
    buffer.add(at(9, track(1, 0)));
    expect(buffer.driftAt(5)).toBeCloseTo(3.35);
  });
  it("draws nothing that is stale, unless the scene rests", () => {
    const buffer = new TrackBuffer();
    buffer.add(at(0, track(1, 0)));
    expect(buffer.placedAt(3)).toEqual([]);
    buffer.add({ ...at(0, track(1, 0)), moving: false });
    expect(buffer.placedAt(3)).toHaveLength(1);
  });
  it("tells where the feet were", () => {
    const buffer = new TrackBuffer();
    for (let i = 0; i < 20; i += 1) buffer.add(at(i * 0.2, track(1, i * 0.01)));
    const trail = buffer.trail(1, 3, 1);
    expect(trail).toHaveLength(6);
    expect(trail.at(-1)).toEqual([expect.closeTo(0.2), 0.6]);
  });
});

describe("freeSpot", () => {
  it("stacks tags that would cover each other", () => {
    const first = { x: 10, y: 100, width: 50 };
    const second = freeSpot({ x: 30, y: 104, width: 50 }, [first]);
    expect(second.y).toBeLessThanOrEqual(82);
    expect(freeSpot({ x: 200, y: 100, width: 50 }, [first]).y).toBe(100);
  });
});
