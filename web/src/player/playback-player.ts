/** Plays the archive from any moment: one fragmented MP4 over HTTP into Media Source Extensions, read only as fast as it is watched. */
import { API, ApiError, request } from "../api/client";
import { toNs } from "../api/time";
import { AppendQueue } from "./append-queue";
import { mediaSourceClass } from "./codecs";
import { gapJump, rangeAt, toRanges } from "./ranges";

export interface PlaybackHandlers {
  onTime(wallMs: number): void;
  onState(state: "idle" | "loading" | "playing" | "paused" | "ended" | "failed", what?: string, todo?: string): void;
}

const AHEAD_S = 25;
const KEEP_S = 30;
const SPAN_MS = 2 * 3600_000;
const WAITING_BYTES = 8 * 1024 * 1024;

export class PlaybackPlayer {
  #abort: AbortController | null = null;
  #objectUrl = "";
  #queue: AppendQueue | null = null;
  #zeroMs = 0;
  #done = false;
  #wanted = false;
  #rate = 1;
  #timer: ReturnType<typeof setInterval>;

  constructor(
    readonly video: HTMLVideoElement,
    readonly camera: string,
    readonly handlers: PlaybackHandlers,
  ) {
    this.#timer = setInterval(() => this.#tick(), 200);
    video.addEventListener("timeupdate", () => this.#queue && handlers.onTime(this.nowMs));
    video.addEventListener("seeked", () => this.#queue && handlers.onTime(this.nowMs));
  }

  get nowMs(): number {
    return this.#zeroMs + this.video.currentTime * 1000;
  }

  get playing(): boolean {
    return this.#wanted;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#drop();
    this.video.removeAttribute("src");
    this.video.load();
  }

  setRate(rate: number): void {
    this.#rate = rate;
    this.video.playbackRate = rate;
  }

  play(): void {
    this.#wanted = true;
    void this.video.play().catch(() => undefined); // Not ready yet: the tick starts it.
  }

  pause(): void {
    this.#wanted = false;
    this.video.pause();
    this.handlers.onState("paused");
  }

  /** Goes to a moment: inside what is loaded at once, elsewhere by asking anew. */
  async seek(wallMs: number): Promise<void> {
    const inside = (wallMs - this.#zeroMs) / 1000;
    if (this.#queue && rangeAt(toRanges(this.video.buffered), inside)) {
      this.video.currentTime = inside;
      return;
    }
    await this.#open(wallMs);
  }

  step(frames: number, fps: number): void {
    this.pause();
    this.video.currentTime = Math.max(0, this.video.currentTime + frames / Math.max(1, fps));
  }

  #drop(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.#queue?.close();
    this.#queue = null;
    if (this.#objectUrl) URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = "";
  }

  async #open(wallMs: number): Promise<void> {
    this.#drop();
    this.#done = false;
    const abort = new AbortController();
    this.#abort = abort;
    this.handlers.onState("loading");
    const path = `/cameras/${encodeURIComponent(this.camera)}/playback?from_ns=${toNs(wallMs)}&to_ns=${toNs(wallMs + SPAN_MS)}`;
    try {
      const answer = await request(path, { signal: abort.signal });
      const type = answer.headers.get("X-Eyespot-Mime") ?? "";
      if (!answer.body || type === "") throw new ApiError(answer.status, "invalid", `${API}${path}`, "");
      const queue = await this.#attach(type, wallMs);
      await this.#feed(answer.body.getReader(), queue, abort.signal);
    } catch (error) {
      if (abort.signal.aborted) return;
      const told = error instanceof ApiError ? error : new ApiError(0, "unavailable", error instanceof Error ? error.message : String(error), "");
      this.handlers.onState("failed", told.what, told.todo);
    }
  }

  async #attach(type: string, zeroMs: number): Promise<AppendQueue> {
    const source = mediaSourceClass();
    if (!source?.isTypeSupported(type)) throw new ApiError(0, "unsupported", type, "");
    const media = new source();
    const queue = new AppendQueue(this.video, KEEP_S, () => this.#tick(), (why) => this.handlers.onState("failed", why, ""));
    this.#queue = queue;
    this.#zeroMs = zeroMs;
    this.#objectUrl = URL.createObjectURL(media);
    this.video.src = this.#objectUrl;
    await new Promise<void>((resolve) => media.addEventListener("sourceopen", () => resolve(), { once: true }));
    if (this.#queue === queue && media.readyState === "open") {
      queue.attach(media.addSourceBuffer(type));
      this.video.playbackRate = this.#rate;
    }
    return queue;
  }

  async #feed(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, queue: AppendQueue, signal: AbortSignal): Promise<void> {
    for (;;) {
      while (!signal.aborted && (this.#ahead() > AHEAD_S * Math.max(1, this.#rate) || queue.waitingBytes > WAITING_BYTES)) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      if (signal.aborted) return;
      const { done, value } = await reader.read();
      if (done) break;
      queue.push(value);
    }
    if (this.#queue === queue) this.#done = true;
  }

  #ahead(): number {
    return (toRanges(this.video.buffered).at(-1)?.end ?? 0) - this.video.currentTime;
  }

  #tick(): void {
    const video = this.video;
    if (!this.#queue || video.readyState === 0) return;
    const ranges = toRanges(video.buffered);
    if (!video.seeking) {
      const jump = gapJump(ranges, video.currentTime);
      if (jump !== null && (video.readyState < 3 || !rangeAt(ranges, video.currentTime))) video.currentTime = jump;
    }
    if (this.#wanted && video.paused && video.readyState >= 2) void video.play().catch(() => undefined); // Retried at the next tick.
    const end = ranges.at(-1)?.end ?? 0;
    if (this.#done && this.#wanted && end > 0 && end - video.currentTime < 0.12) {
      this.#wanted = false;
      video.pause();
      this.handlers.onState("ended");
    } else if (this.#wanted) this.handlers.onState(video.readyState >= 3 ? "playing" : "loading");
    else if (video.readyState >= 2) this.handlers.onState("paused");
  }
}
