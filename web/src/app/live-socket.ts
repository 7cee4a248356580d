/** A WebSocket of the API that brings JSON: opened again with back-off until it is closed. */
import { socketUrl } from "../api/client";
import { backoffMs } from "../player/backoff";

export class LiveSocket {
  #socket: WebSocket | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wanted = false;

  /** `take` gets each message that is a table; `tell` whether it is connected, each time that changes. */
  constructor(
    readonly path: string,
    private readonly take: (message: Record<string, unknown>) => void,
    private readonly tell: (connected: boolean) => void,
  ) {}

  open(): void {
    this.#wanted = true;
    if (!this.#socket) this.#connect();
  }

  close(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.tell(false);
    socket?.close();
  }

  #connect(): void {
    clearTimeout(this.#timer);
    const socket = new WebSocket(socketUrl(this.path));
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#socket === socket) this.tell(true);
    };
    socket.onmessage = (message: MessageEvent) => {
      const value = read(message.data);
      if (value && value["type"] !== "error") this.#attempt = 0;
      if (this.#socket === socket && value) this.take(value);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.tell(false);
      this.#timer = setTimeout(() => this.#wanted && this.#connect(), backoffMs(this.#attempt++, Math.random()));
    };
  }
}

/** The table in a message; null for what is none, which tells us nothing: the next one may. */
function read(data: unknown): Record<string, unknown> | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
