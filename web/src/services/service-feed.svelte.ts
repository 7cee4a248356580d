/** How a service is, pushed over a WebSocket; asked for every second and a half while that is not there. */
import { ApiError, getJson } from "../api/client";
import type { LiveState, Service } from "../api/service-types";
import { LiveSocket } from "../app/live-socket";

const EVERY_MS = 1500;

export class ServiceFeed {
  service = $state.raw<Service | null>(null);
  failure = $state.raw<ApiError | null>(null);
  pushed = $state(false);
  readonly #path: string;
  readonly #socket: LiveSocket;

  constructor(path: string) {
    this.#path = path;
    this.#socket = new LiveSocket(`${path}/live`, (message) => this.#take(message), (connected) => (this.pushed = connected));
  }

  /** Follows until the returned function is called. */
  follow(): () => void {
    void this.refresh();
    this.#socket.open();
    const timer = setInterval(() => !this.pushed && document.visibilityState === "visible" && void this.refresh(), EVERY_MS);
    return () => {
      clearInterval(timer);
      this.#socket.close();
    };
  }

  async refresh(): Promise<void> {
    try {
      this.service = await getJson<Service>(this.#path);
      this.failure = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
      if (error.status === 404) this.service = null;
    }
  }

  #take(message: Record<string, unknown>): void {
    if (message["type"] === "service") {
      this.service = message["service"] as Service;
      this.failure = null;
    } else if (message["type"] === "live" && this.service) this.service = { ...this.service, live: message["live"] as LiveState };
  }
}
