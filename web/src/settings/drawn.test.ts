import { describe, expect, it } from "vitest";
import { ZoneEditor } from "../zones/editor.svelte";
import { choicesOf, withSet } from "./choices";
import { beside, drawnOf, fromRules, toRules } from "./drawn";
import type { Schema } from "./schema";

const corners: Schema = { type: "array", format: "polygon", minItems: 3, maxItems: 32, items: { type: "array", items: { type: "number" } } };
const regions: Schema = { type: "array", maxItems: 8, items: { type: "object", required: ["name", "points"], properties: { name: { type: "string" }, points: corners, sure_s: { type: "number" } } } };
const root: Schema = { type: "object", properties: { regions, gate: { type: "array", format: "line" }, tags: { type: "array", items: { type: "string" } } } };
const door = { sure_s: 2, name: "door", points: [[0, 0], [0.5, 0], [0.5, 1]] };

describe("settings that are drawn", () => {
  it("are known by their schema's format, alone or in a list of tables", () => {
    expect(drawnOf(regions, root)).toEqual({ shape: "zone", key: "points", most: 8, cornersMost: 32 });
    expect(drawnOf(root.properties?.["gate"] as Schema, root)).toEqual({ shape: "line", key: null, most: 1, cornersMost: 64 });
    expect([root, root.properties?.["tags"] as Schema, { type: "array" }].map((schema) => drawnOf(schema, root))).toEqual([null, null, null]);
  });
  it("come back as they were, with all that is said beside the points", () => {
    const drawn = drawnOf(regions, root);
    if (!drawn) throw new Error("it is drawn");
    const rules = toRules([door], drawn, "");
    expect(rules.zones[0]).toMatchObject({ name: "door", points: door.points });
    expect(fromRules(rules, drawn, regions, root)).toEqual([door]);
    expect(toRules(fromRules(rules, drawn, regions, root), drawn, "")).toEqual(rules);
    expect(Object.keys(beside(regions, drawn, root).items?.properties ?? {})).toEqual(["name", "sure_s"]);
  });
  it("grow by what is drawn, up to the corners that the schema takes", () => {
    const drawn = drawnOf(regions, root);
    if (!drawn) throw new Error("it is drawn");
    const editor = new ZoneEditor();
    editor.cornersMost = 3;
    editor.load(toRules([door], drawn, ""));
    editor.setMode("zone");
    for (const corner of [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2], [0.1, 0.2]] as const) editor.addPoint([...corner]);
    const value = fromRules(editor.rules, drawn, regions, root) as { name: string; points: number[][] }[];
    expect(value.map((one) => [one.name, one.points.length])).toEqual([["door", 3], ["Zone 1", 3]]);
    editor.accept(toRules(value.slice(0, 1), drawn, ""));
    expect([editor.choice, editor.canUndo]).toEqual([null, true]);
  });
  it("are one shape where the value itself is the points", () => {
    const gate = root.properties?.["gate"] as Schema;
    const drawn = drawnOf(gate, root);
    if (!drawn) throw new Error("it is drawn");
    const rules = toRules([[0, 0.5], [1, 0.5]], drawn, "Gate");
    expect(rules.lines).toMatchObject([{ name: "Gate", a: [0, 0.5], b: [1, 0.5] }]);
    rules.lines.push({ name: "new", a: [0, 0], b: [1, 1], labels: [] });
    expect(fromRules(rules, drawn, gate, root)).toEqual([[0, 0], [1, 1]]);
    expect(fromRules(toRules("nonsense", drawn, ""), drawn, gate, root)).toBeUndefined();
  });
});

describe("names to choose among", () => {
  const around = { zones: ["lawn"], streams: ["main"] };
  it("are the camera's zones and what is drawn in the same form", () => {
    const document = { regions: [door, { name: "" }] };
    expect(choicesOf({ type: "string", format: "zone" }, ["limits", 0, "place"], document, root, around)).toEqual(["lawn", "door"]);
    expect(choicesOf({ type: "string", format: "zone" }, ["zones"], document, root, around, true)).toEqual(["lawn"]);
    expect(choicesOf({ type: "string" }, ["x"], document, root, around)).toBeNull();
    expect(withSet(["lawn"], "gone")).toEqual(["lawn", "gone"]);
    expect(withSet(["lawn"], "")).toEqual(["lawn"]);
  });
  it("are the streams of the camera as the document says them now, with the name that an unnamed one gets", () => {
    const config: Schema = { properties: { camera: { type: "array", items: { $ref: "#/$defs/Camera" } } }, $defs: { Camera: { type: "object", properties: { stream: { type: "array", items: { $ref: "#/$defs/Stream" } } } }, Stream: { type: "object", properties: { name: { type: "string", default: "main" } } } } };
    const document = { camera: [{ stream: [{ source: "a" }] }, { stream: [{ source: "a" }, { name: "low" }] }] };
    const stream: Schema = { type: "string", format: "stream" };
    expect(choicesOf(stream, ["camera", 1, "record_stream"], document, config, around)).toEqual(["main", "low"]);
    expect(choicesOf(stream, ["camera", 2, "record_stream"], document, config, around)).toEqual([]);
    expect(choicesOf(stream, ["source"], {}, root, around)).toEqual(["main"]);
  });
});
