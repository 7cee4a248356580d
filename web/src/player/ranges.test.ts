import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff";
import { gapJump, JitterTarget, steerLive, trim } from "./ranges";

describe("steerLive", () => {
  it("waits without a buffer", () => expect(steerLive([], 0, 0.3, 1)).toEqual({ seek: null, rate: 1 }));
  it("joins near the newest frame, not at the start of what the server had kept", () => expect(steerLive([{ start: 40, end: 44 }], 0, 0.3, 1)).toEqual({ seek: 43.7, rate: 1 }));
  it("leaves a picture at its target alone", () => expect(steerLive([{ start: 0, end: 10 }], 9.7, 0.3, 1)).toEqual({ seek: null, rate: 1 }));
  it("catches up by rate when a little late, and stops at the target", () => {
    expect(steerLive([{ start: 0, end: 10 }], 9, 0.3, 1)).toEqual({ seek: null, rate: 1.12 });
    expect(steerLive([{ start: 0, end: 10 }], 9.5, 0.3, 1.12).rate).toBe(1.12);
    expect(steerLive([{ start: 0, end: 10 }], 9.71, 0.3, 1.12).rate).toBe(1);
  });
  it("slows down before it runs dry", () => expect(steerLive([{ start: 0, end: 10 }], 9.95, 0.3, 1).rate).toBe(0.94));
  it("jumps when far behind", () => expect(steerLive([{ start: 0, end: 60 }], 20, 0.5, 1)).toEqual({ seek: 59.5, rate: 1 }));
  it("jumps the gap that dropped frames leave", () => {
    const { seek } = steerLive([{ start: 0, end: 10 }, { start: 11, end: 11.2 }], 9.95, 0.3, 1);
    expect(seek).toBeCloseTo(11.01);
  });
  it("does not jump out of a range that is still to be played", () => expect(steerLive([{ start: 0, end: 10 }, { start: 10.5, end: 11 }], 9.6, 0.6, 1).seek).toBeNull());
});

describe("gapJump", () => {
  it("leads into the next range only", () => {
    const ranges = [{ start: 0, end: 5 }, { start: 8, end: 9 }, { start: 20, end: 30 }];
    expect(gapJump(ranges, 3)).toBeNull();
    expect(gapJump(ranges, 6)).toBeCloseTo(8.01);
    expect(gapJump(ranges, 8.95)).toBeCloseTo(20.01);
    expect(gapJump(ranges, 30)).toBeNull();
  });
});

describe("trim", () => {
  it("drops what is behind, once it is worth it", () => {
    expect(trim([{ start: 0, end: 30 }], 14, 12)).toBeNull();
    expect(trim([{ start: 0, end: 30 }], 29, 12)).toEqual({ start: 0, end: 17 });
  });
});

describe("JitterTarget", () => {
  it("follows the longest wait and forgives it in time", () => {
    const target = new JitterTarget();
    for (let t = 0; t < 2; t += 0.04) target.arrived(t);
    const calm = target.seconds;
    target.arrived(3);
    expect(target.seconds).toBeGreaterThan(1);
    for (let t = 3; t < 60; t += 0.04) target.arrived(t);
    expect(target.seconds).toBeLessThanOrEqual(calm + 0.05);
  });
});

describe("JitterTarget with tracks", () => {
  it("holds the picture back until its tracks are there, within reason", () => {
    const target = new JitterTarget();
    target.tracked(0.4);
    expect(target.seconds).toBeCloseTo(0.45);
    target.tracked(30);
    expect(target.seconds).toBeCloseTo(0.7);
    for (let i = 0; i < 200; i += 1) target.tracked(0.1);
    expect(target.seconds).toBeLessThan(0.2);
  });
});

describe("backoffMs", () => {
  it("grows to a ceiling and is never zero", () => {
    expect(backoffMs(0, 0)).toBe(250);
    expect(backoffMs(3, 1)).toBe(4000);
    expect(backoffMs(1000, 1)).toBe(15_000);
  });
});
