/** Feeds one SourceBuffer in order: bytes, changes of format and removals, each waiting for the one before. Bounded; says when it cannot keep up. */
import { toRanges, trim } from "./ranges";

type Step = { kind: "bytes"; bytes: Uint8Array<ArrayBuffer> } | { kind: "type"; value: string };

const MOST_BYTES = 32 * 1024 * 1024;

function join(chunks: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (chunks.length === 1) return chunks[0] as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

export class AppendQueue {
  #steps: Step[] = [];
  #bytes = 0;
  #sink: SourceBuffer | null = null;
  #closed = false;
  #full = 0;

  constructor(
    readonly video: HTMLVideoElement,
    readonly keep_s: number,
    readonly onAppended: () => void,
    readonly onFailed: (why: string) => void,
  ) {}

  get waitingBytes(): number {
    return this.#bytes;
  }

  attach(sink: SourceBuffer): void {
    this.#sink = sink;
    sink.addEventListener("updateend", () => {
      if (this.#closed) return;
      this.onAppended();
      this.#pump();
    });
    sink.addEventListener("error", () => this.#fail("the browser could not read the picture data"));
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#steps = [];
    this.#bytes = 0;
  }

  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes += bytes.length;
    if (this.#bytes > MOST_BYTES) return this.#fail("the browser fell too far behind");
    this.#steps.push({ kind: "bytes", bytes });
    this.#pump();
  }

  changeType(value: string): void {
    this.#steps.push({ kind: "type", value });
    this.#pump();
  }

  #fail(why: string): void {
    if (this.#closed) return;
    this.close();
    this.onFailed(why);
  }

  #pump(): void {
    const sink = this.#sink;
    if (!sink || sink.updating || this.#closed || this.#steps.length === 0) return;
    try {
      const old = trim(toRanges(sink.buffered), this.video.currentTime, this.keep_s);
      if (old) return sink.remove(old.start, old.end);
      this.#step(sink);
    } catch (error) {
      if (error instanceof DOMException && error.name === "QuotaExceededError") return this.#makeRoom(sink);
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #step(sink: SourceBuffer): void {
    const first = this.#steps[0] as Step;
    if (first.kind === "type") {
      sink.changeType(first.value);
      this.#steps.shift();
      return this.#pump();
    }
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (const step of this.#steps) {
      if (step.kind !== "bytes") break;
      chunks.push(step.bytes);
    }
    const bytes = join(chunks);
    sink.appendBuffer(bytes);
    this.#steps.splice(0, chunks.length);
    this.#bytes -= bytes.length;
    this.#full = 0;
  }

  /** The browser's own limit is reached: drop what has been seen, and wait a little when there is nothing to drop. */
  #makeRoom(sink: SourceBuffer): void {
    this.#full += 1;
    const start = sink.buffered.length > 0 ? sink.buffered.start(0) : 0;
    const end = this.video.currentTime - 1;
    if (end > start + 0.5) return sink.remove(start, end);
    if (this.#full > 40) return this.#fail("the browser has no room for the picture");
    setTimeout(() => this.#pump(), 250);
  }
}
