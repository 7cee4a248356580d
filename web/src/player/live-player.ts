/** Live picture over a WebSocket into Media Source Extensions (docs/design/api.md, "Live view"). Framework-free; owns one <video>, draws nothing. */
import type { Track } from "../api/types";
import { AppendQueue } from "./append-queue";
import { backoffMs } from "./backoff";
import { mediaSourceClass, playableCodecs } from "./codecs";
import { type FrameWatch, watchFrames } from "./frames";
import { JitterTarget, steerLive, toRanges } from "./ranges";
import { TrackBuffer } from "./tracks";

export type LiveState = "connecting" | "live" | "stalled" | "lost" | "refused" | "unsupported";

export interface LiveStats {
  framesDecoded: number;
  framesMissed: number;
  behind_s: number;
  bytes: number;
  reconnects: number;
}

export interface LiveHandlers {
  onState(state: LiveState, what: string, todo: string): void;
  onStats(stats: LiveStats): void;
  onFrame(mediaTime_s: number): void;
  onFormat(aspect: number, hasAudio: boolean): void;
}

interface FormatMessage {
  value: string;
  base_capture_ns: number;
  base_wall_ns: number;
  aspect?: number;
}

const STEER_EVERY_MS = 200;
const STALLED_AFTER_MS = 4_000;
const SILENT_AFTER_MS = 15_000;
const KEEP_S = 12;

export class LivePlayer {
  readonly tracks = new TrackBuffer();
  #socket: WebSocket | null = null;
  #queue: AppendQueue | null = null;
  #frames: FrameWatch | null = null;
  #target = new JitterTarget();
  #timers: ReturnType<typeof setInterval>[] = [];
  #retry: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #format: FormatMessage | null = null;
  #objectUrl = "";
  #running = false;
  #refusal: { what: string; todo: string } | null = null;
  #newest_s = 0;
  #lastBytesAt = 0;
  #lastMessageAt = 0;
  #presentedBase = 0;
  #presentedSeen = 0;
  #stats: LiveStats = { framesDecoded: 0, framesMissed: 0, behind_s: 0, bytes: 0, reconnects: 0 };
  #state: LiveState = "connecting";

  constructor(
    readonly video: HTMLVideoElement,
    readonly url: string,
    readonly handlers: LiveHandlers,
  ) {}

  start(): void {
    if (this.#running) return;
    this.#running = true;
    if (!mediaSourceClass()) return this.#setState("unsupported");
    this.#frames = watchFrames(this.video, (mediaTime, presented) => this.#onFrame(mediaTime, presented));
    this.#timers = [setInterval(() => this.#steer(), STEER_EVERY_MS), setInterval(() => this.#report(), 1000)];
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#retry);
    this.#timers.forEach(clearInterval);
    this.#timers = [];
    this.#frames?.stop();
    this.#frames = null;
    this.#closeSocket();
    this.#dropSource();
    this.video.removeAttribute("src");
    this.video.load();
  }

  /** Wall-clock time of a moment of the picture in ms, or null before the first format. */
  wallMs(mediaTime_s: number): number | null {
    return this.#format ? this.#format.base_wall_ns / 1e6 + mediaTime_s * 1000 : null;
  }

  retryNow(): void {
    this.#attempt = 0;
    this.#refusal = null;
    if (this.#running) this.#connect();
  }

  #setState(state: LiveState, what = "", todo = ""): void {
    if (state === this.#state && what === "") return;
    this.#state = state;
    this.handlers.onState(state, what, todo);
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#closeSocket();
    if (this.#state !== "lost" && this.#state !== "refused") this.#setState("connecting");
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#target.reset();
    this.#lastMessageAt = performance.now();
    socket.onopen = () => socket.send(JSON.stringify({ type: "mse", value: playableCodecs() }));
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => {
      if (socket !== this.#socket) return;
      this.#lastMessageAt = performance.now();
      if (typeof message.data === "string") this.#onText(message.data);
      else this.#onBytes(new Uint8Array(message.data));
    };
    socket.onclose = () => socket === this.#socket && this.#reconnectLater();
  }

  #closeSocket(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #reconnectLater(): void {
    this.#closeSocket();
    if (!this.#running) return;
    if (this.#refusal) this.#setState("refused", this.#refusal.what, this.#refusal.todo);
    else this.#setState("lost");
    this.#stats.reconnects += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), backoffMs(this.#attempt++, Math.random()));
  }

  #onText(text: string): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return; // Not a message of ours.
    }
    if (message["type"] === "mse") this.#onFormat(message as unknown as FormatMessage);
    else if (message["type"] === "tracks") this.#onTracks(message);
    else if (message["type"] === "dropped") this.#stats.framesMissed += Number(message["frames"]) || 0;
    else if (message["type"] === "state") this.#onServerState(String(message["state"]));
    else if (message["type"] === "error") this.#refusal = { what: String(message["what"] ?? ""), todo: String(message["todo"] ?? "") };
  }

  #onServerState(state: string): void {
    if (state !== "live") this.#setState(this.#stats.framesDecoded > 0 ? "stalled" : "connecting");
  }

  #onTracks(message: Record<string, unknown>): void {
    const t_s = message["t_s"];
    const tracks = message["tracks"];
    if (typeof t_s !== "number" || !Array.isArray(tracks)) return;
    if (this.#newest_s > 0) this.#target.tracked(this.#newest_s - t_s);
    this.tracks.add({ t_s, moving: message["moving"] !== false, tracks: tracks as Track[] });
  }

  #onFormat(format: FormatMessage): void {
    const before = this.#format;
    this.#format = format;
    this.#refusal = null;
    this.handlers.onFormat(Number(format.aspect) || 16 / 9, /mp4a|opus/i.test(format.value));
    const source = mediaSourceClass();
    if (!source?.isTypeSupported(format.value)) return this.#setState("unsupported", format.value);
    const continues = before !== null && before.base_capture_ns === format.base_capture_ns;
    if (this.#queue && continues && this.#socketIsSame) this.#queue.changeType(format.value);
    else this.#newSource(source, format.value);
    this.#socketIsSame = true;
  }
  #socketIsSame = false;

  #newSource(source: typeof MediaSource, type: string): void {
    this.#dropSource();
    this.tracks.clear();
    this.#newest_s = 0;
    const media = new source();
    const queue = new AppendQueue(this.video, KEEP_S, () => this.#steer(), () => this.#reconnectLater());
    this.#queue = queue;
    media.addEventListener("sourceopen", () => {
      if (this.#queue !== queue || media.readyState !== "open") return;
      media.duration = Number.POSITIVE_INFINITY;
      queue.attach(media.addSourceBuffer(type));
    }, { once: true });
    this.video.disableRemotePlayback = true;
    this.#objectUrl = URL.createObjectURL(media);
    this.#presentedBase = this.#stats.framesDecoded;
    this.#presentedSeen = 0;
    this.video.src = this.#objectUrl;
  }

  #dropSource(): void {
    this.#queue?.close();
    this.#queue = null;
    this.#socketIsSame = false;
    if (this.#objectUrl) URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = "";
  }

  #onBytes(bytes: Uint8Array<ArrayBuffer>): void {
    const now = performance.now();
    this.#lastBytesAt = now;
    this.#target.arrived(now / 1000);
    this.#stats.bytes += bytes.length;
    this.#queue?.push(bytes);
  }

  #onFrame(mediaTime: number, presented: number): void {
    if (presented < this.#presentedSeen) this.#presentedBase = this.#stats.framesDecoded;
    this.#presentedSeen = presented;
    this.#stats.framesDecoded = Math.max(this.#stats.framesDecoded + 1, this.#presentedBase + presented);
    this.#attempt = 0;
    this.#setState("live");
    this.handlers.onFrame(mediaTime);
  }

  #steer(): void {
    const video = this.video;
    if (!this.#queue || !video.src) return;
    let ranges;
    try {
      ranges = toRanges(video.buffered);
    } catch {
      return; // The source was detached between two ticks.
    }
    const last = ranges.at(-1);
    if (!last) return;
    const { seek, rate } = steerLive(ranges, video.currentTime, this.#target.seconds, video.playbackRate);
    if (seek !== null) video.currentTime = seek;
    if (video.playbackRate !== rate) video.playbackRate = rate;
    this.#newest_s = last.end;
    this.#stats.behind_s = Math.max(0, last.end - video.currentTime);
    if (video.paused && video.readyState >= 2) void video.play().catch(() => undefined); // Refused until the page is touched: the next tick tries again.
  }

  #report(): void {
    const now = performance.now();
    if (this.#socket && now - this.#lastMessageAt > SILENT_AFTER_MS) return this.#reconnectLater();
    if (this.#state === "live" && now - this.#lastBytesAt > STALLED_AFTER_MS) this.#setState("stalled");
    this.handlers.onStats({ ...this.#stats });
  }
}
