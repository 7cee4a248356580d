/** What a text setting can be where its schema says what kind of name it is: a zone, a stream. Pure. */
import { drawnOf } from "./drawn";
import { getAt, type Path, resolve, type Schema } from "./schema";

interface Around {
  zones: readonly string[];
  streams: readonly string[];
}

const namesIn = (value: unknown): string[] => (Array.isArray(value) ? value : []).map((one: { name?: unknown } | null) => one?.name).filter((name): name is string => typeof name === "string" && name !== "");

/**
 * Names to choose among for `schema` at `path` of `document`; null for a text that is typed. Where `many` are chosen they are the
 * camera's own: what is drawn in the same form has its list already.
 */
export function choicesOf(schema: Schema, path: Path, document: unknown, root: Schema, around: Around, many = false): string[] | null {
  if (schema.format === "zone") return [...new Set([...around.zones, ...(many ? [] : drawnNames(document, root))])];
  if (schema.format !== "stream") return null;
  return path[0] === "camera" ? streamsOf(document, path, root) : [...around.streams];
}

/** Parts of the picture that are drawn in the same form have names too. */
function drawnNames(document: unknown, root: Schema): string[] {
  return Object.entries(root.properties ?? {}).flatMap(([key, schema]) => (drawnOf(resolve(schema, root).schema, root)?.key ? namesIn(getAt(document, [key])) : []));
}

/** Streams of a camera as the config document says them now, also those that were added just now. */
function streamsOf(document: unknown, path: Path, root: Schema): string[] {
  const listed = getAt(document, [...path.slice(0, 2), "stream"]);
  const inside = (schema: Schema | undefined, key: string): Schema => resolve(resolve(schema ?? {}, root).schema.properties?.[key] ?? {}, root).schema;
  const camera = resolve(inside(root, "camera").items ?? {}, root).schema;
  const unnamed = inside(inside(camera, "stream").items, "name").default;
  return namesIn((Array.isArray(listed) ? listed : []).map((stream: object) => ({ name: unnamed, ...stream })));
}

/** Choices with what is set, so that a name that is gone can be seen and left. */
export function withSet(choices: readonly string[], set: unknown): string[] {
  const names = (Array.isArray(set) ? set : [set]).filter((name): name is string => typeof name === "string" && name !== "");
  return [...new Set([...choices, ...names])];
}
