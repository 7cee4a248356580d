import { describe, expect, it } from "vitest";
import { follow, hold, msAt, neighbour, pan, rowsFor, SHORTEST_MS, ticks, xOf, zoomAbout } from "./scale";

const view = { from: 1_000_000, to: 1_600_000 };

describe("time axis", () => {
  it("goes from pixels to time and back", () => expect(xOf(view, 800, msAt(view, 800, 123))).toBeCloseTo(123));
  it("zooms about a moment that stays put", () => {
    const ms = 1_200_000;
    const next = zoomAbout(view, ms, 0.5, 9e9);
    expect(next.to - next.from).toBe(300_000);
    expect(xOf(next, 800, ms)).toBeCloseTo(xOf(view, 800, ms));
  });
  it("has a shortest span", () => {
    const next = zoomAbout(view, 1_200_000, 1e-9, 9e9);
    expect(next.to - next.from).toBe(SHORTEST_MS);
  });
  it("never leaves the past", () => {
    expect(pan(view, 1e9, 2_000_000).to).toBe(2_060_000);
    expect(hold(view, 2_000_000)).toBe(view);
  });
  it("follows the cursor only when it would leave", () => {
    expect(follow(view, 1_300_000, 9e9)).toBe(view);
    const next = follow(view, 1_599_000, 9e9);
    expect(next.from).toBeLessThan(1_599_000);
    expect(next.to - next.from).toBeCloseTo(600_000);
  });
  it("writes round ticks that do not crowd", () => {
    const { step, at } = ticks(view, 800, 90, 0);
    expect(step).toBe(120_000);
    expect(at.every((ms) => ms % step === 0)).toBe(true);
    expect(at.length).toBeGreaterThan(3);
    expect(ticks({ from: 0, to: 31 * 86_400_000 }, 300, 90, 0).at.length).toBeLessThan(10);
  });
  it("puts overlapping events in rows of their own", () => {
    expect(rowsFor([{ start: 0, end: 10 }, { start: 5, end: 8 }, { start: 12, end: 13 }], 3, 0)).toEqual([0, 1, 0]);
    expect(rowsFor([{ start: 0, end: 9 }, { start: 1, end: 5 }, { start: 2, end: 4 }], 2, 0)[2]).toBe(1);
  });
  it("finds the neighbours of a moment", () => {
    expect(neighbour([1000, 9000, 20_000], 9000, 1)).toBe(20_000);
    expect(neighbour([1000, 9000, 20_000], 9000, -1)).toBe(1000);
    expect(neighbour([1000], 1000, -1)).toBeNull();
  });
});
