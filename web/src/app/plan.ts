/** Where the host gave a camera fewer detections than it asks for, as the vision process reports it in its totals. Pure. */
import type { ProcessStatus } from "../api/types";
import { number, text } from "./health";

export interface Lowered {
  rate_hz: number;
  wanted_hz: number;
  reason: string;
}

type Table = Record<string, unknown>;
const table = (value: unknown): Table | undefined => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : undefined);

/** Null while the camera has what it asks for, and while vision has not reported or fell silent. */
export function lowered(processes: readonly ProcessStatus[], camera: string): Lowered | null {
  const vision = processes.find((process) => process.role === "vision" && process["fresh"] !== false);
  const said = table(table(table(vision?.totals?.["plan"])?.["cameras"])?.[camera]);
  const rate_hz = number(said, "rate_hz");
  const wanted_hz = number(said, "wanted_hz");
  if (!said?.["degraded"] || rate_hz === null || wanted_hz === null) return null;
  return { rate_hz, wanted_hz, reason: text(said, "reason") };
}
