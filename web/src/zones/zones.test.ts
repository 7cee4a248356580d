import { describe, expect, it } from "vitest";
import type { Point, Rules } from "../api/types";
import { allNamed, arrow, freshName, heldPoint, nameProblem, newMask, shift } from "./geometry";

const rules: Rules = { zones: [{ name: "Zone 1", points: [[0, 0], [1, 0], [1, 1]], labels: [], loiter_s: null, max_objects: null }], lines: [{ name: "Gate", a: [0, 0], b: [1, 1], labels: [] }], masks: [] };

describe("zones and lines", () => {
  it("points the arrow to the right-hand side of somebody walking from a to b", () => {
    const right = arrow([0.2, 0.5], [0.8, 0.5], 100, 100, 10);
    expect(right?.to[1]).toBeCloseTo(60);
    const up = arrow([0.5, 0.8], [0.5, 0.2], 100, 100, 10);
    expect(up?.to[0]).toBeCloseTo(60);
    expect(arrow([0.5, 0.5], [0.5, 0.5], 100, 100, 10)).toBeNull();
  });
  it("stays square to the line on a wide picture", () => {
    const way = arrow([0, 0], [1, 1], 200, 100, 10);
    const dot = ((way?.to[0] ?? 0) - (way?.from[0] ?? 0)) * 200 + ((way?.to[1] ?? 0) - (way?.from[1] ?? 0)) * 100;
    expect(dot).toBeCloseTo(0);
  });
  it("moves a shape to the edge without bending it", () => {
    const points: Point[] = [[0.1, 0.1], [0.3, 0.1], [0.3, 0.4]];
    expect(shift(points, -0.5, 0.9)).toEqual([[0, 0.7], [0.2, 0.7], [0.2, 1]]);
  });
  it("keeps points in the picture", () => expect(heldPoint([-3, 1.5])).toEqual([0, 1]));
  it("names new shapes and notices doubles", () => {
    const gate = rules.lines[0] as Rules["lines"][0];
    expect(freshName(rules.zones, "Zone")).toBe("Zone 2");
    expect(nameProblem(rules, gate)).toBeNull();
    expect(nameProblem(rules, { name: " " })).toBe("nameEmpty");
    expect(nameProblem({ ...rules, lines: [...rules.lines, { ...gate }] }, gate)).toBe("nameTaken");
  });
  it("lets a mask have the name of a zone, and no two masks one name", () => {
    const points: Point[] = [[0, 0], [0.5, 0], [0.5, 0.5]];
    const first = newMask(rules, points, "Zone");
    const masked = { ...rules, masks: [first] };
    expect(first).toEqual({ name: "Zone 1", points });
    expect(allNamed(masked)).toBe(true);
    expect(newMask(masked, points, "Zone").name).toBe("Zone 2");
    expect(allNamed({ ...rules, masks: [first, { ...first }] })).toBe(false);
  });
});
