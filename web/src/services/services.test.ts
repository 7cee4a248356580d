import { describe, expect, it } from "vitest";
import type { Wish } from "../api/service-types";
import { fixedUse, grantedOf, sameTicks, tickedOf } from "./grants";
import { breachRows, counterRows, liveRows, liveWords, refusals, valueWords } from "./words";

const wishes: Wish[] = [
  { key: "views", value: "door", part: "see", words: "Of camera front.", granted: true },
  { key: "read", value: "tracks", part: "see", words: "The tracks of front.", granted: false },
  { key: "network", value: "example.org:443", part: "send", words: "Anything.", granted: true },
];
const words = { yes: "yes", no: "no", none: "none", more: (count: number) => `and ${count} more` };

describe("grants", () => {
  it("grants what is ticked and nothing else", () => {
    expect(grantedOf(wishes, new Set(["views:door", "views:roof"]), "front", { host: "process", camera: "yard", emit: ["old"] })).toEqual({ host: "process", camera: "front", views: ["door"], models: [], read: [], emit: [], record: [], ask: [], outputs: [], network: [] });
  });
  it("begins with what was granted", () => expect([...tickedOf(wishes)]).toEqual(["views:door", "network:example.org:443"]));
  it("keeps what no tick takes away apart", () => {
    const use: Wish = { key: "outputs", value: "siren", part: "use", words: "The output siren.", granted: true };
    expect(fixedUse(["At most 1 core.", "The output siren."], [...wishes, use])).toEqual(["At most 1 core."]);
  });
  it("notices a change", () => {
    expect(sameTicks(new Set(["a", "b"]), new Set(["b", "a"]))).toBe(true);
    expect(sameTicks(new Set(["a"]), new Set(["b"]))).toBe(false);
  });
});

describe("what a service says", () => {
  it("is shown under the manifest's titles, then by key", () => {
    const schema = { properties: { people: { title: "People inside", description: "now" }, away: {} } };
    const rows = liveRows({ wall_ns: 1, values: { other_s: 2.5, people: 3 } }, schema, words);
    expect(rows.map((row) => [row.label, row.value, row.note])).toEqual([["People inside", "3", "now"], ["Other (s)", "2.5", ""]]);
    expect(liveRows(null, schema, words)).toEqual([]);
  });
  it("is always text of a bounded length", () => {
    expect([true, null, "", "x", { a: 1 }].map((value) => valueWords(value, words))).toEqual(["yes", "none", "none", "x", '{"a":1}']);
    expect([["drive", "step"], [], [1, [2]]].map((value) => valueWords(value, words))).toEqual(["drive, step", "none", "[1,[2]]"]);
    expect(valueWords("x".repeat(5000), words).length).toBeLessThan(500);
  });
  it("reads tables as people do", () => {
    expect(liveWords({ entered: 2, lost: 0 }, words)).toBe("entered 2, lost 0");
    expect(liveWords({ picture: { people: 2, vehicles: 1 }, door: { people: 0, vehicles: 0 } }, words)).toBe("picture: people 2, vehicles 1; door: people 0, vehicles 0");
    expect([{}, { a: { b: { c: 1 } } }, { a: [1, 2] }].map((value) => liveWords(value, words))).toEqual(["{}", '{"a":{"b":{"c":1}}}', "a 1, 2"]);
    expect(liveWords([1, 2, 3, 4, 5].map((track) => ({ track, at: [0.5, 0.25] })), words)).toBe("track 1, at 0.5, 0.25; track 2, at 0.5, 0.25; track 3, at 0.5, 0.25; and 2 more");
    expect(liveWords({ a: "x".repeat(5000), b: 1 }, words).length).toBeLessThan(500);
  });
  it("survives counters of another shape", () => {
    const t = Object.fromEntries(["uptime", "cpu", "memory", "processes", "frames", "events", "refusedEvents", "errors", "messages", "refused", "deaths"].map((key) => [key, key])) as Parameters<typeof counterRows>[1];
    expect(counterRows({ beat: null, bus: [], cpu_s: "many", deaths: 2 }, t)).toEqual([{ label: "deaths", value: "2" }]);
    expect(counterRows({ beat: { uptime_s: 5, frames: { door: 3, roof: 4 } } }, t)).toEqual([{ label: "uptime", value: "5 s" }, { label: "frames", value: "7" }]);
    expect(breachRows({ breaches: { memory: 2, cpu: 0 } })).toEqual([{ what: "Memory", times: 2 }]);
    expect(breachRows({})).toEqual([]);
  });
  it("tells what was refused by whoever refused it", () => {
    const health = {
      beat: null, cpu_s: 3, events_refused: 2, last_refused: "another camera", bus: { refused: 9, refusals: ["no", 3] },
      inference: { refused: { throttled: 2, invalid: 1 }, refusals: ["too fast"] }, network: { refused: 1 }, outputs: { refused: 0, refusals: [] },
    };
    expect(refusals(health)).toEqual([
      { from: "events", times: 2, lines: ["another camera"] }, { from: "bus", times: 9, lines: ["no"] },
      { from: "inference", times: 3, lines: ["too fast"] }, { from: "network", times: 1, lines: [] },
    ]);
    expect(refusals({})).toEqual([]);
  });
});
