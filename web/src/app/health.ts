/** Reads the status document, whose counters are free-form, without trusting its shape. Pure. */
import type { Finding, StorageRoot } from "../api/types";

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
