import { describe, expect, it } from "vitest";
import { toMs, toNs } from "../api/time";
import type { EyespotEvent } from "../api/types";
import { closeUp } from "../components/close-up";
import { byDay, matches, merge, update } from "./event-list";
import { bytes, dayRange, duration, fileName } from "./format";
import { findingTone, flatten, processRows, rootUse } from "./health";
import { known } from "./known";
import { lowered } from "./plan";

function event(id: string, start_ms: number, more: Partial<EyespotEvent> = {}): EyespotEvent {
  return { v: 1, id, camera: "a", kind: "object", label: "person", zone: "", start_wall_ns: start_ms * 1e6, end_wall_ns: null, score: 1, best_wall_ns: null, best_box: null, picture: "", track: 1, path: [], detail: {}, ...more };
}
const anything = { camera: "", kind: "", label: "", zone: "", day: "" };

describe("event list", () => {
  it("keeps order and the latest word", () => {
    const list = merge([event("b", 20), event("a", 10)], [event("c", 30), event("a", 10, { end_wall_ns: 5 })]);
    expect(list.map((item) => item.id)).toEqual(["c", "b", "a"]);
    expect(list[2]?.end_wall_ns).toBe(5);
  });
  it("updates in place or says that it cannot", () => {
    expect(update([event("a", 1)], event("a", 1, { score: 0.5 }))?.[0]?.score).toBe(0.5);
    expect(update([event("a", 1)], event("b", 1))).toBeNull();
  });
  it("filters live arrivals as the server does", () => {
    expect(matches(event("a", 10), { ...anything, kind: "line" }, null)).toBe(false);
    expect(matches(event("a", 10), anything, { from: 10, to: 11 })).toBe(true);
    expect(matches(event("a", 11), anything, { from: 10, to: 11 })).toBe(false);
  });
  it("groups by day in runs", () => expect(byDay([event("c", 30), event("b", 29), event("a", 1)], (ms) => String(Math.floor(ms / 10))).map((group) => group.events.length)).toEqual([1, 1, 1]));
});

describe("words and numbers", () => {
  it("carries nanoseconds to the microsecond", () => {
    expect(toNs(1_795_366_971_558.25)).toBe("1795366971558250000");
    expect(toMs(1_795_366_971_558_000_000)).toBeCloseTo(1_795_366_971_558);
  });
  it("writes sizes and times", () => {
    expect([bytes(0), bytes(999), bytes(1500), bytes(48.3e9)]).toEqual(["0 B", "999 B", "1.5 kB", "48.3 GB"]);
    expect([duration(8.4), duration(185), duration(8040), duration(442_800)]).toEqual(["8 s", "3 min 05 s", "2 h 14 min", "5 d 3 h"]);
  });
  it("knows a day's edges and refuses what is none", () => {
    const range = dayRange("2026-03-01");
    expect(new Date(range?.from ?? 0).getHours()).toBe(0);
    expect(dayRange("tomorrow")).toBeNull();
  });
  it("makes safe file names", () => expect(fileName("a/../b c", 0, "jpg")).toMatch(/^a-\.\.-b-c_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.jpg$/));
});

describe("health", () => {
  it("reads disks without trusting them", () => {
    expect(rootUse({ path: "x", total_bytes: 100, free_bytes: 5 })).toMatchObject({ share: 0.95, tone: "warn" });
    expect(rootUse({ path: "x" })).toBeNull();
  });
  it("treats a finding without a grade as a warning", () => {
    expect(findingTone({ what: "x" })).toBe("warn");
    expect(findingTone({ state: "ok" })).toBe("good");
  });
  it("takes memory and restarts from the supervisor, and notices silence", () => {
    const rows = processRows([
      { role: "supervisor", totals: { processes: [{ role: "media", state: "running", restarts: 2, uptime_s: 5, rss_bytes: 7 }, { role: "vision", state: "waiting" }] } },
      { role: "media", fresh: false },
      { role: "api", uptime_s: 3 },
    ]);
    expect(rows.map((row) => [row.role, row.well, row.restarts])).toEqual([["media", false, 2], ["vision", false, null], ["api", true, null]]);
  });
  it("leaves out streams that have not told their form yet", () => {
    const stream = { name: "main", codec: null, width_px: null, height_px: null, fps: null, bitrate_bps: null };
    const camera = { id: "a", name: "", enabled: true, state: "connecting" as const, error: "", streams: [stream, { ...stream, name: "small", codec: "h264", width_px: 640, height_px: 360 }], recording: { mode: "", state: "", bytes: 0, oldest_ns: null }, vision: { state: "", rate_hz: 0, moving: false, tracks: 0, latency_ms: null }, labels: [] };
    expect(known(camera).streams).toEqual([{ name: "small", codec: "h264", width_px: 640, height_px: 360, fps: 0, bitrate_bps: 0 }]);
  });
  it("flattens and bounds counters", () => {
    expect(flatten({ a: { b: 1 }, c: 1.234 })).toEqual([["a.b", "1"], ["c", "1.23"]]);
    expect(flatten(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i])))).toHaveLength(200);
  });
});

describe("lowered", () => {
  const plan = { cameras: { a: { rate_hz: 2.125, wanted_hz: 5, degraded: "rate", reason: "no time left" }, b: { rate_hz: 5, wanted_hz: 5, degraded: "", reason: "" } } };
  it("tells a camera that has less than it asks for, and why", () => {
    expect(lowered([{ role: "vision", totals: { plan } }], "a")).toEqual({ rate_hz: 2.125, wanted_hz: 5, reason: "no time left" });
  });
  it("says nothing of one that has enough, of a silent process, and of shapes it does not know", () => {
    expect(lowered([{ role: "vision", totals: { plan } }], "b")).toBeNull();
    expect(lowered([{ role: "vision", fresh: false, totals: { plan } }], "a")).toBeNull();
    expect(lowered([{ role: "media", totals: { plan } }], "a")).toBeNull();
    expect(lowered([{ role: "vision", totals: { plan: { cameras: { a: [1] } } } }], "a")).toBeNull();
    expect(lowered([], "a")).toBeNull();
  });
});

describe("closeUp", () => {
  it("brings the object nearer without leaving the picture", () => {
    const view = closeUp([0.9, 0.1, 1, 0.3]);
    expect(view?.scale).toBeGreaterThan(1.5);
    expect(view?.x).toBe(100);
    expect(closeUp([0, 0, 0.9, 0.9])).toBeNull();
  });
});
