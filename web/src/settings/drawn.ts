/** Settings that are shapes on the picture: found by their schema, turned into what the zone editor edits, and back. Pure. */
import type { Line, Point, Rules, Zone } from "../api/types";
import { blank, kindOf, resolve, type Schema } from "./schema";

/** A setting that is drawn: one shape, or a list of tables that have one each. */
export interface Drawn {
  shape: "zone" | "line";
  /** The property of each table that holds the points; null where the value itself is the points. */
  key: string | null;
  most: number;
  cornersMost: number;
}

type Table = Record<string, unknown>;
/** What a table says beside its name and points, carried along by the editor. */
type Carried = { rest?: Table };

const SHAPES: Record<string, Drawn["shape"]> = { polygon: "zone", line: "line" };
const CORNERS_MOST = 64;

/** How a setting of this schema is drawn, by `format = "polygon"` or `"line"`; null when it is typed. */
export function drawnOf(schema: Schema, root: Schema): Drawn | null {
  const shape = SHAPES[schema.format ?? ""];
  if (shape && schema.type === "array") return { shape, key: null, most: 1, cornersMost: schema.maxItems ?? CORNERS_MOST };
  if (kindOf(schema, root) !== "list" || !schema.items) return null;
  const properties = Object.entries(resolve(schema.items, root).schema.properties ?? {});
  const points = properties.filter(([, property]) => SHAPES[resolve(property, root).schema.format ?? ""]);
  const [key, property] = points[0] ?? [];
  if (points.length !== 1 || key === undefined || !property) return null;
  const one = drawnOf(resolve(property, root).schema, root);
  return one && { ...one, key, most: schema.maxItems ?? CORNERS_MOST };
}

/** The list's schema without the points, for the form below the picture. */
export function beside(schema: Schema, drawn: Drawn, root: Schema): Schema {
  const items = resolve(schema.items ?? {}, root).schema;
  const { [drawn.key ?? ""]: _points, ...properties } = items.properties ?? {};
  return { ...schema, items: { ...items, properties, required: (items.required ?? []).filter((name) => name !== drawn.key) } };
}

function pointsOf(value: unknown): Point[] {
  if (!Array.isArray(value)) return [];
  return value.filter((point): point is Point => Array.isArray(point) && point.length === 2 && point.every((part) => typeof part === "number"));
}

/** The setting as the editor has it. Shapes without enough points cannot be seen and are left to the form. */
export function toRules(value: unknown, drawn: Drawn, title: string): Rules {
  const tables: Table[] = drawn.key === null ? (pointsOf(value).length > 0 ? [{ points: value }] : []) : Array.isArray(value) ? (value as Table[]) : [];
  const rules: Rules = { zones: [], lines: [], masks: [] };
  tables.forEach((table, index) => {
    const { name: given, [drawn.key ?? "points"]: found, ...rest } = table;
    const name = typeof given === "string" ? given : drawn.key === null ? title : `${index + 1}`;
    const carried: Carried = Object.keys(rest).length > 0 ? { rest } : {};
    const points = pointsOf(found);
    if (drawn.shape === "zone") rules.zones.push({ name, points, labels: [], loiter_s: null, max_objects: null, ...carried } as Zone);
    else rules.lines.push({ name, a: points[0] ?? [0, 0], b: points[1] ?? [0, 0], labels: [], ...carried } as Line);
  });
  return rules;
}

/** The setting's value from what was drawn; undefined where the one shape was taken away. */
export function fromRules(rules: Rules, drawn: Drawn, schema: Schema, root: Schema): unknown {
  const shapes = drawn.shape === "zone" ? rules.zones.map((zone) => ({ of: zone, points: zone.points })) : rules.lines.map((line) => ({ of: line, points: [line.a, line.b] }));
  if (drawn.key === null) return shapes.at(-1)?.points;
  const items = resolve(schema.items ?? {}, root).schema;
  return shapes.map(({ of, points }) => {
    const rest = (of as Carried).rest ?? (blank(items, root) as Table);
    return { ...rest, ...(items.properties?.["name"] ? { name: of.name } : {}), [drawn.key as string]: points };
  });
}
