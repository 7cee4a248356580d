/** Reads the JSON Schema of the config document: which control a value gets, its words, its default, and where an error belongs. Pure. */

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  prefixItems?: Schema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  maxLength?: number;
  format?: string;
  writeOnly?: boolean;
}

export type Kind = "object" | "map" | "list" | "words" | "choice" | "text" | "number" | "integer" | "switch" | "numbers" | "either" | "raw";
export type Path = readonly (string | number)[];

const DEPTH_MOST = 16;
/** A row of more numbers than this is no small field. */
const NUMBERS_MOST = 8;

/** The schema with references followed and optional (`or null`) taken off. Words beside a reference win over the target's. */
export function resolve(schema: Schema, root: Schema, depth = 0): { schema: Schema; nullable: boolean } {
  if (depth > DEPTH_MOST) return { schema: {}, nullable: false };
  const { $ref, allOf, ...beside } = schema;
  const target = $ref?.startsWith("#/$defs/") ? root.$defs?.[$ref.slice(8)] : allOf?.length === 1 ? allOf[0] : undefined;
  if (target) {
    const inner = resolve(target, root, depth + 1);
    return { schema: { ...inner.schema, ...beside }, nullable: inner.nullable };
  }
  const options = schema.anyOf ?? schema.oneOf;
  if (!options) return { schema, nullable: schema.type === "null" };
  const real = options.filter((option) => option.type !== "null");
  if (real.length !== 1) return { schema, nullable: real.length < options.length };
  const { anyOf: _any, oneOf: _one, ...words } = schema;
  const inner = resolve(real[0] as Schema, root, depth + 1);
  return { schema: { ...inner.schema, ...words }, nullable: true };
}

export function kindOf(schema: Schema, root: Schema): Kind {
  if (schema.enum) return "choice";
  const options = (schema.anyOf ?? schema.oneOf)?.map((option) => option.type).filter((type) => type !== "null");
  if (options) return options.sort().join() === "integer,string" ? "either" : "raw";
  switch (schema.type) {
    case "object":
      return schema.properties ? "object" : typeof schema.additionalProperties === "object" ? "map" : "raw";
    case "array": {
      if (schema.prefixItems) return schema.prefixItems.length <= NUMBERS_MOST && schema.prefixItems.every((item) => item.type === "number" || item.type === "integer") ? "numbers" : "raw";
      if (!schema.items) return "raw";
      const kind = kindOf(resolve(schema.items, root).schema, root);
      return kind === "text" || kind === "choice" ? "words" : kind === "object" ? "list" : "raw";
    }
    case "string":
      return "text";
    case "number":
      return "number";
    case "integer":
      return "integer";
    case "boolean":
      return "switch";
    default:
      return "raw";
  }
}

const UNITS: Record<string, string> = { s: "s", ms: "ms", hz: "per second", bytes: "bytes", px: "px", days: "days", hours: "hours", percent: "%", mb: "MB", gb: "GB" };
const WHOLE: Record<string, string> = { tls: "TLS", fps: "FPS", id: "ID", web: "Web", camera: "Cameras", stream: "Streams", root: "Disks", output: "Outputs", k: "Lens coefficients", record: "Recording", detect: "Detection", wdr: "WDR", rest_port: "REST port", grpc_port: "gRPC port" };

/** `stall_s` → "Stall (s)": the key in words, with the unit that every numeric key ends in. */
export function keyWords(key: string): string {
  if (WHOLE[key]) return WHOLE[key];
  const parts = key.split("_");
  const unit = parts.length > 1 ? UNITS[parts.at(-1) as string] : undefined;
  const words = (unit ? parts.slice(0, -1) : parts).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1) + (unit ? ` (${unit})` : "");
}

const FIRST = ["id", "name", "source", "path", "enabled", "mode"];

/** Keys of a table in the order of a form: what names the thing, then single values, then what is nested. */
export function inOrder(properties: Record<string, Schema>, root: Schema): string[] {
  const rank = (key: string): number => {
    const first = FIRST.indexOf(key);
    if (first >= 0) return first;
    const kind = kindOf(resolve(properties[key] ?? {}, root).schema, root);
    return kind === "object" || kind === "list" ? 30 : kind === "switch" ? 20 : 10;
  };
  return Object.keys(properties).sort((a, b) => rank(a) - rank(b));
}

/** A new value of a schema that asks for one: what is required, and nothing else. */
export function blank(schema: Schema, root: Schema): unknown {
  const { schema: real } = resolve(schema, root);
  if (real.default !== undefined) return structuredClone(real.default);
  switch (kindOf(real, root)) {
    case "object":
      return Object.fromEntries((real.required ?? []).map((key) => [key, blank(real.properties?.[key] ?? {}, root)]));
    case "list": {
      const least = Math.min(real.minItems ?? 0, 8);
      return Array.from({ length: least }, () => blank(real.items ?? {}, root));
    }
    case "words":
      return [];
    case "numbers":
      return (real.prefixItems ?? []).map((item) => item.minimum ?? 0);
    case "map":
      return {};
    case "switch":
      return false;
    case "number":
    case "integer":
      return real.minimum ?? 0;
    case "choice":
      return real.enum?.[0];
    default:
      return "";
  }
}

/** What somebody typed for a number or a name: whole numbers are numbers, nothing is undefined. */
export function numberOrName(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  return /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed;
}

type Json = Record<string, unknown> | unknown[];

export function getAt(document: unknown, path: Path): unknown {
  let here = document;
  for (const key of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}

/** A copy of the document with one value set, or taken out when it is undefined. Missing tables on the way are made. */
export function setAt<T>(document: T, path: Path, value: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return value as T;
  const copy = (Array.isArray(document) ? [...document] : { ...(document as object) }) as Json;
  const table = copy as Record<string | number, unknown>;
  if (rest.length > 0) table[key] = setAt(table[key] ?? {}, rest, value);
  else if (value !== undefined) table[key] = value;
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete table[key];
  return copy as T;
}

/** Keys of a place such as `camera.0.id` or `body.document.camera[0].id`; `!` for text that is no place. */
function placeOf(text: string): string[] {
  if (!/^[a-z_]\w*(\.\w+|\[\d+\])*$/i.test(text)) return ["!"];
  const keys = text.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
  while (keys[0] === "body" || keys[0] === "document") keys.shift();
  return keys.length > 0 ? keys : ["!"];
}

/**
 * Puts each part of an API error beside the field it speaks of. The API writes `place: words; place: words`, a place
 * being keys joined by dots, perhaps after a file name. What names no field, of the document or of the `known` ones, stays
 * for the top of the form.
 */
export function placeErrors(what: string, document: unknown, known: Record<string, unknown> = {}): { fields: Record<string, string>; rest: string[] } {
  const fields: Record<string, string> = {};
  const rest: string[] = [];
  for (const part of what.replace(/\.$/, "").split("; ")) {
    const pieces = part.split(": ");
    const at = pieces.findIndex((piece) => {
      const first = placeOf(piece).slice(0, 1);
      return getAt(document, first) !== undefined || getAt(known, first) !== undefined;
    });
    const words = pieces.slice(at + 1).join(": ");
    if (at >= 0 && words !== "") fields[placeOf(pieces[at] as string).join(".")] = words;
    else rest.push(part);
  }
  return { fields, rest };
}

/** Keys whose value is secret by name or by the schema. */
export function isSecret(key: string, schema: Schema): boolean {
  return schema.writeOnly === true || schema.format === "password" || /(^|_)(password|secret|token|passphrase)$/.test(key);
}

export function isMasked(value: unknown): boolean {
  return typeof value === "string" && value.includes("***");
}
