/** Reads the status document, whose counters are free-form, without trusting its shape. Pure. */
import type { Finding, ProcessStatus, StorageRoot } from "../api/types";

export type Tone = "good" | "warn" | "bad";

export function number(source: Record<string, unknown> | undefined, ...keys: string[]): number | null {
  for (const key of keys) {
    const value = source?.[key];
    if (typeof value === "number" && Number.isFinite(value)) return value;
  }
  return null;
}

export function text(source: Record<string, unknown> | undefined, ...keys: string[]): string {
  for (const key of keys) {
    const value = source?.[key];
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

const TONES: Record<string, Tone> = {
  ok: "good", good: "good", pass: "good", passed: "good", info: "good", true: "good",
  warn: "warn", warning: "warn", notice: "warn", fail: "bad", failed: "bad", bad: "bad", error: "bad", critical: "bad", false: "bad",
};

export function findingTone(finding: Finding): Tone {
  const value = finding.state ?? finding["status"] ?? finding["level"] ?? finding["severity"] ?? finding["ok"];
  return TONES[String(value).toLowerCase()] ?? "warn";
}

export interface RootUse {
  used: number;
  total: number;
  free: number;
  /** Filled share of the disk, 0 to 1. */
  share: number;
  tone: Tone;
}

export function rootUse(root: StorageRoot): RootUse | null {
  const total = number(root, "total_bytes", "size_bytes", "disk_bytes", "disk_total_bytes");
  const free = number(root, "free_bytes", "disk_free_bytes", "available_bytes");
  if (total === null || free === null || total <= 0) return null;
  const share = Math.max(0, Math.min(1, 1 - free / total));
  return { used: number(root, "used_bytes", "bytes", "footage_bytes") ?? total - free, total, free, share, tone: share > 0.97 ? "bad" : share > 0.9 ? "warn" : "good" };
}

/** Every number and word of a nested document as `a.b` → text, in order, at most `most`. */
export function flatten(source: Record<string, unknown>, most = 200, prefix = "", depth = 0): [string, string][] {
  const rows: [string, string][] = [];
  for (const [key, value] of Object.entries(source)) {
    if (rows.length >= most) break;
    const name = prefix + key;
    if (typeof value === "object" && value !== null && !Array.isArray(value) && depth < 4) rows.push(...flatten(value as Record<string, unknown>, most - rows.length, `${name}.`, depth + 1));
    else rows.push([name, typeof value === "number" && !Number.isInteger(value) ? value.toFixed(2) : String(value)]);
  }
  return rows;
}

export interface ProcessRow {
  role: string;
  well: boolean;
  uptime_s: number | null;
  restarts: number | null;
  memory_bytes: number | null;
}

/** One row a process: what the supervisor says of those it keeps running, and the reports of any others. */
export function processRows(processes: readonly ProcessStatus[]): ProcessRow[] {
  const kept = processes.find((process) => process.role === "supervisor")?.totals?.["processes"];
  const silent = new Set(processes.filter((process) => process["fresh"] === false).map((process) => process.role));
  const rows = (Array.isArray(kept) ? (kept as Record<string, unknown>[]) : []).slice(0, 32).map((item) => {
    const role = text(item, "role", "name");
    return { role, well: text(item, "state") === "running" && !silent.has(role), uptime_s: number(item, "uptime_s"), restarts: number(item, "restarts"), memory_bytes: number(item, "rss_bytes") };
  });
  const told = new Set(rows.map((row) => row.role));
  for (const process of processes) {
    if (told.has(process.role) || (process.role === "supervisor" && rows.length > 0)) continue;
    rows.push({ role: process.role, well: !silent.has(process.role), uptime_s: process.uptime_s ?? null, restarts: number(process, "restarts"), memory_bytes: number(process.totals, "rss_bytes") });
  }
  return rows;
}
