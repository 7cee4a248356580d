/** Events as they happen: one WebSocket for the whole app; pages subscribe. */
import type { EyespotEvent } from "../api/types";
import { LiveSocket } from "./live-socket";

type Listener = (event: EyespotEvent) => void;

class EventFeed {
  connected = $state(false);
  #listeners = new Set<Listener>();
  readonly #socket = new LiveSocket("/events/live", (message) => this.#onMessage(message), (connected) => (this.connected = connected));

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#socket.open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#socket.close();
    };
  }

  #onMessage(message: Record<string, unknown>): void {
    if (!("id" in message) || !("kind" in message)) return;
    for (const listener of this.#listeners) listener(message as unknown as EyespotEvent);
  }
}

export const eventFeed = new EventFeed();
