import { describe, expect, it } from "vitest";
import { blank, getAt, keyWords, kindOf, numberOrName, placeErrors, resolve, type Schema, setAt } from "./schema";

const root: Schema = {
  $defs: {
    Stream: { type: "object", required: ["source"], properties: { source: { type: "string" }, fps: { anyOf: [{ type: "number" }, { type: "null" }], default: null } } },
    Loop: { $ref: "#/$defs/Loop" },
  },
};

describe("schema", () => {
  it("follows references and takes off null", () => {
    expect(resolve({ $ref: "#/$defs/Stream", description: "here" }, root).schema).toMatchObject({ type: "object", description: "here" });
    expect(resolve({ anyOf: [{ type: "number" }, { type: "null" }], description: "rate" }, root)).toMatchObject({ nullable: true, schema: { type: "number", description: "rate" } });
  });
  it("survives a reference to itself", () => expect(resolve({ $ref: "#/$defs/Loop" }, root).schema).toEqual({}));
  it("chooses controls", () => {
    expect(kindOf({ type: "array", items: { $ref: "#/$defs/Stream" } }, root)).toBe("list");
    expect(kindOf({ type: "array", items: { type: "string" } }, root)).toBe("words");
    expect(kindOf({ type: "array", prefixItems: [{ type: "number" }, { type: "number" }] }, root)).toBe("numbers");
    expect(kindOf({ type: "array", prefixItems: [{ type: "string" }] }, root)).toBe("raw");
    expect(kindOf({ type: "array", items: { type: "array", prefixItems: [{ type: "number" }] } }, root)).toBe("raw");
    expect(kindOf({ anyOf: [{ type: "integer" }, { type: "string" }, { type: "null" }] }, root)).toBe("either");
    expect(kindOf({ enum: ["a"] }, root)).toBe("choice");
    expect(kindOf({ anyOf: [{ type: "string" }, { type: "number" }] }, root)).toBe("raw");
  });
  it("tells numbers from names", () => expect(["17", " GPIO17 ", "", "1.5"].map(numberOrName)).toEqual([17, "GPIO17", undefined, "1.5"]));
  it("begins a new value with what is required, and nothing else", () => expect(blank({ $ref: "#/$defs/Stream" }, root)).toEqual({ source: "" }));
  it("says units in words", () => {
    expect(keyWords("stall_s")).toBe("Stall (s)");
    expect(keyWords("min_free_bytes")).toBe("Min free (bytes)");
    expect(keyWords("tls")).toBe("TLS");
  });
  it("sets and unsets without touching the original", () => {
    const before = { camera: [{ id: "a" }] };
    const after = setAt(before, ["camera", 0, "record", "mode"], "off");
    expect(getAt(after, ["camera", 0, "record", "mode"])).toBe("off");
    expect(before).toEqual({ camera: [{ id: "a" }] });
    expect(setAt(after, ["camera", 0, "id"], undefined)).toEqual({ camera: [{ record: { mode: "off" } }] });
  });
});

describe("placeErrors", () => {
  const document = { camera: [{ id: "a" }], web: {} };
  it("puts each part beside its field", () => {
    expect(placeErrors("config.toml: camera.0.stream.0.source: 'source' must not be empty; web.port: 'port' must be from 0 to 65535, not 99999.", document).fields).toEqual({
      "camera.0.stream.0.source": "'source' must not be empty",
      "web.port": "'port' must be from 0 to 65535, not 99999",
    });
  });
  it("keeps what names no field", () => expect(placeErrors("Something went wrong inside.", document)).toEqual({ fields: {}, rest: ["Something went wrong inside"] }));
});
