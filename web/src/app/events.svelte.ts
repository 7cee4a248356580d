/** Events as they happen: one WebSocket for the whole app, reconnected with back-off; pages subscribe. */
import { socketUrl } from "../api/client";
import type { EyespotEvent } from "../api/types";
import { backoffMs } from "../player/backoff";

type Listener = (event: EyespotEvent) => void;

class EventFeed {
  connected = $state(false);
  #listeners = new Set<Listener>();
  #socket: WebSocket | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (!this.#socket) this.#connect();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#close();
    };
  }

  #connect(): void {
    clearTimeout(this.#timer);
    const socket = new WebSocket(socketUrl("/events/live"));
    this.#socket = socket;
    socket.onopen = () => {
      this.connected = true;
      this.#attempt = 0;
    };
    socket.onmessage = (message) => this.#onMessage(message.data);
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.connected = false;
      this.#socket = null;
      this.#timer = setTimeout(() => this.#listeners.size > 0 && this.#connect(), backoffMs(this.#attempt++, Math.random()));
    };
  }

  #onMessage(data: unknown): void {
    if (typeof data !== "string") return;
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return; // A message that is no JSON tells us nothing; the next one may.
    }
    if (typeof value !== "object" || value === null || !("id" in value) || !("kind" in value)) return;
    for (const listener of this.#listeners) listener(value as EyespotEvent);
  }

  #close(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.connected = false;
    socket?.close();
  }
}

export const eventFeed = new EventFeed();
