/** The shapes in which the API speaks of services (docs/design/api.md). Types only. */
import type { Schema } from "../settings/schema";
import type { Box } from "./types";

export interface ServiceBrief {
  name: string;
  version: string;
  title: string;
  summary: string;
  vendor: string;
  host: string | null;
  cameras: string[];
  enabled: boolean;
  state: string;
  why: string;
  fault: string;
}

export type Key = "views" | "models" | "read" | "emit" | "record" | "ask" | "outputs" | "network";
export type Part = "see" | "use" | "send";
/** What an owner grants; what else it says of the service (such as where it runs) is carried along. */
export type Granted = { camera: string; [more: string]: unknown } & Record<Key, string[]>;

export interface Wish {
  key: Key;
  value: string;
  part: Part;
  words: string;
  granted: boolean;
}

export interface ServiceView {
  name: string;
  camera: string;
  form: string;
  has_pixels: boolean;
  words: string;
}

export interface Control {
  verb: string;
  title: string;
  description: string;
  confirm: boolean;
  input: Schema;
}

export interface LiveState {
  wall_ns: number;
  values: Record<string, unknown>;
}

export interface ServiceMoment {
  wall_ns: number;
  state: string;
  why: string;
}

export interface Service extends ServiceBrief {
  see: string[];
  use: string[];
  send: string[];
  views: ServiceView[];
  policy: string[];
  granted: Granted;
  wishes: Wish[];
  /** Digest of the OCI image that it is; null for a folder or a package. */
  image: string | null;
  needs_camera: boolean;
  controls: Control[];
  config_schema: Schema;
  state_schema: Schema;
  way_back: string | null;
  states: ServiceMoment[];
  health: Record<string, unknown>;
  live: LiveState | null;
}

export interface ServiceSettings {
  settings: Record<string, unknown>;
  in_force: Record<string, unknown>;
  config_schema: Schema;
}

/** A service that came with the camera; `installed` is the version that is installed under its name. */
export interface BuiltIn {
  name: string;
  version: string;
  title: string;
  summary: string;
  installed: string | null;
}

export interface Upload {
  id: string;
  sha256: string;
  expires_ns: number;
  name: string;
  version: string;
  title: string;
  summary: string;
  vendor: string;
  host: string;
  policy: string[];
  forbidden: string;
  installed: string | null;
  needs_camera: boolean;
  camera: string;
  wishes: Wish[];
  use: string[];
  granted: Granted;
  views: ServiceView[];
}

export interface Sample {
  view: { form: string; width_px?: number; height_px?: number; region: Box };
  wall_ns: number;
  tracks_ns: number;
  objects_seen: number;
  objects: { track: number; label: string; score: number; box: Box; crop: Box }[];
  /** Base64; empty for the forms without pixels. */
  jpeg: string;
}
