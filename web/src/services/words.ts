/** Live states, counters and breaches of a service as rows that people read. Pure; what a service says is only ever text. */
import type { LiveState, Service } from "../api/service-types";
import { bytes, count, duration } from "../app/format";
import { keyWords, type Schema } from "../settings/schema";

const LONGEST = 400;
const SHORT = 48;
/** Of a list of tables, so many are told. */
const TOLD = 3;

export interface Row {
  key: string;
  label: string;
  value: string;
  note: string;
  /** Too long for large letters. */
  long: boolean;
}

/** A value in words: numbers short, yes and no, lists of such with commas, everything else as JSON. */
export function valueWords(value: unknown, words: { yes: string; no: string; none: string }): string {
  if (value === null || value === undefined || value === "") return words.none;
  if (typeof value === "boolean") return value ? words.yes : words.no;
  if (typeof value === "number") return value.toLocaleString(undefined, { maximumFractionDigits: 3 });
  const plain = Array.isArray(value) && value.every((one) => one === null || typeof one !== "object");
  if (plain && value.length === 0) return words.none;
  const text = typeof value === "string" ? value : plain ? value.map((one) => valueWords(one, words)).join(", ") : JSON.stringify(value);
  return cut(text);
}

const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

const isTable = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** A live value in words: a table's values after their keys, also of tables within it and of the first of a list of tables; what lies deeper as `valueWords`. */
export function liveWords(value: unknown, words: { yes: string; no: string; none: string; more: (count: number) => string }): string {
  if (Array.isArray(value) && value.length > 0 && value.every(isTable)) {
    const told = value.slice(0, TOLD).map((one) => liveWords(one, words));
    return [...told.map((one) => cut(one)), ...(value.length > TOLD ? [words.more(value.length - TOLD)] : [])].join("; ");
  }
  if (!isTable(value) || Object.keys(value).length === 0) return valueWords(value, words);
  const entries = Object.entries(value);
  const flat = (one: unknown): boolean => (Array.isArray(one) ? one : [one]).every((part) => typeof part !== "object" || part === null);
  const row = (of: [string, unknown][]): string => of.map(([key, one]) => `${key} ${valueWords(one, words)}`).join(", ");
  if (entries.every(([, one]) => flat(one))) return cut(row(entries));
  const nested = entries.every(([, one]) => isTable(one) && Object.values(one).every(flat));
  return nested ? cut(entries.map(([key, one]) => `${key}: ${row(Object.entries(one as Record<string, unknown>))}`).join("; ")) : valueWords(value, words);
}

/** Live values in the order of the manifest's `[state]`, then those that it does not name. */
export function liveRows(live: LiveState | null, schema: Schema, words: { yes: string; no: string; none: string; more: (count: number) => string }): Row[] {
  const values = live?.values ?? {};
  const named = Object.keys(schema.properties ?? {}).filter((key) => key in values);
  const keys = [...named, ...Object.keys(values).filter((key) => !named.includes(key))];
  return keys.map((key) => {
    const about = schema.properties?.[key];
    const value = liveWords(values[key], words);
    return { key, label: about?.title ?? keyWords(key), value, note: about?.description ?? "", long: value.length > SHORT };
  });
}

function table(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
const numberOr = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** Budget breaches: what was over its limit, and how often; empty while it kept to its budget. */
export function breachRows(health: Record<string, unknown>): { what: string; times: number }[] {
  return Object.entries(table(health["breaches"]))
    .map(([what, times]) => ({ what: keyWords(what), times: numberOr(times) ?? 0 }))
    .filter((row) => row.times > 0);
}

export interface Refusals {
  /** The part of the camera that refused: a key of its counters, `events` for its events. */
  from: string;
  times: number;
  /** The last ones in words, newest last. */
  lines: string[];
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).filter((line): line is string => typeof line === "string" && line !== "");

/** How often something was refused: a number, or numbers by kind. */
function timesOf(value: unknown): number {
  return numberOr(value) ?? Object.values(table(value)).reduce<number>((sum, one) => sum + (numberOr(one) ?? 0), 0);
}

/** What it was refused, by the part that refused it: every part whose counters say `refused` or list `refusals`. */
export function refusals(health: Record<string, unknown>): Refusals[] {
  const events = { from: "events", times: timesOf(health["events_refused"]), lines: texts(health["last_refused"]) };
  const parts = Object.entries(health).map(([from, counters]) => {
    const lines = texts(table(counters)["refusals"]);
    return { from, times: Math.max(timesOf(table(counters)["refused"]), lines.length), lines };
  });
  return [events, ...parts].filter((one) => one.times > 0);
}

/** The counters that are known to people; what this version does not know is left to the raw list. */
export function counterRows(health: Service["health"], t: Record<"uptime" | "cpu" | "memory" | "processes" | "frames" | "events" | "refusedEvents" | "errors" | "messages" | "refused" | "deaths", string>): { label: string; value: string }[] {
  const beat = table(health["beat"]);
  const bus = table(health["bus"]);
  const frames = Object.values(table(beat["frames"])).reduce<number>((sum, value) => sum + (numberOr(value) ?? 0), 0);
  const rows: [string, number | null, (value: number) => string][] = [
    [t.uptime, numberOr(beat["uptime_s"]), duration],
    [t.cpu, numberOr(health["cpu_s"]), (value) => `${value.toFixed(1)} s`],
    [t.memory, numberOr(health["memory_bytes"]), bytes],
    [t.processes, numberOr(health["pids"]), count],
    [t.frames, "frames" in beat ? frames : null, count],
    [t.events, numberOr(health["events"]), count],
    [t.refusedEvents, numberOr(health["events_refused"]), count],
    [t.errors, numberOr(beat["errors"]), count],
    [t.messages, numberOr(bus["messages"]), count],
    [t.refused, numberOr(bus["refused"]), count],
    [t.deaths, numberOr(health["deaths"]), count],
  ];
  return rows.filter((row): row is [string, number, (value: number) => string] => row[1] !== null).map(([label, value, say]) => ({ label, value: say(value) }));
}
