/** The shapes the API speaks (docs/design/api.md, contracts/*.py). Types only. Times in nanoseconds stay numbers: their last 256 ns are not needed. */

export type CameraState = "live" | "connecting" | "stalled" | "backoff" | "failed" | "off";

export interface StreamInfo {
  name: string;
  codec: string;
  width_px: number;
  height_px: number;
  fps: number;
  bitrate_bps: number;
}

/** A stream as the API tells it: null where it is not known yet. */
export interface StreamAnswer {
  name: string;
  codec: string | null;
  width_px: number | null;
  height_px: number | null;
  fps: number | null;
  bitrate_bps: number | null;
}

export interface CameraAnswer extends Omit<Camera, "streams"> {
  streams: StreamAnswer[];
}

export interface Camera {
  id: string;
  name: string;
  enabled: boolean;
  state: CameraState;
  error: string | null;
  streams: StreamInfo[];
  recording: { mode: string; state: string; bytes: number; oldest_ns: number | null };
  vision: { state: string; rate_hz: number; moving: boolean; tracks: number; latency_ms: number | null };
  labels: string[];
}

export type Box = [number, number, number, number];
export type Point = [number, number];

export interface Track {
  id: number;
  label: string;
  score: number;
  box: Box;
  velocity: Point;
  state: "active" | "occluded" | "stationary";
  age_s: number;
  zones: string[];
}

export interface EyespotEvent {
  v: 1;
  id: string;
  camera: string;
  kind: string;
  label: string;
  zone: string;
  start_wall_ns: number;
  end_wall_ns: number | null;
  score: number;
  best_wall_ns: number | null;
  best_box: Box | null;
  picture: string;
  track: number | null;
  path: { wall_ns: number; box: Box }[];
  detail: Record<string, unknown>;
}

export interface Zone {
  name: string;
  points: Point[];
  labels: string[];
  loiter_s: number | null;
  max_objects: number | null;
  /** Outputs that an event of the zone pulses, and which event does. */
  outputs?: string[];
  pulse_on?: "zone" | "loiter" | "occupancy";
}

export interface Line {
  name: string;
  a: Point;
  b: Point;
  labels: string[];
  /** Outputs that a crossing pulses. */
  outputs?: string[];
}

/** A part of the picture that nobody may see. */
export interface Mask {
  name: string;
  points: Point[];
}

export interface Rules {
  zones: Zone[];
  lines: Line[];
  masks: Mask[];
}

export interface Span {
  from_ns: number;
  to_ns: number;
}

export interface TimelineEvent {
  id: string;
  kind: string;
  label: string;
  start_ns: number;
  end_ns: number | null;
}

export interface TimelineAnswer {
  coverage: Span[];
  events: TimelineEvent[];
}

export interface User {
  name: string;
  role: string;
}

export interface SessionAnswer {
  user: User;
  csrf: string;
}

export interface ProcessStatus {
  role: string;
  pid?: number;
  uptime_s?: number;
  state?: string;
  restarts?: number;
  totals?: Record<string, unknown>;
  [key: string]: unknown;
}

export interface StorageRoot {
  path: string;
  total_bytes?: number;
  free_bytes?: number;
  used_bytes?: number;
  tier?: string;
  [key: string]: unknown;
}

export interface Finding {
  name?: string;
  state?: string;
  what?: string;
  todo?: string;
  [key: string]: unknown;
}

export interface StatusAnswer {
  host: string;
  version: string;
  uptime_s: number;
  processes: ProcessStatus[];
  storage: { roots: StorageRoot[] };
  cameras: Record<string, Record<string, unknown>>;
  doctor: Finding[];
}

export interface TokenInfo {
  id: string;
  name: string;
  created_ns: number;
  last_used_ns: number | null;
}

export interface ConfigAnswer {
  document: Record<string, unknown>;
  etag: string;
  /** Keys that take effect after a restart. */
  restart: string[];
}

/** A relay or lamp that the host switches. */
export interface Output {
  name: string;
  kind: string;
  /** Null while it cannot be switched: `error` says why. */
  on: boolean | null;
  pulsing: boolean;
  pulses: number;
  skipped: number;
  error: string;
}

export interface ErrorBody {
  error: { kind: string; what: string; todo: string };
}
