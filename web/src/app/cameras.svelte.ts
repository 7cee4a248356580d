/** The list of cameras, asked for again every few seconds while somebody looks. */
import { ApiError, getJson } from "../api/client";
import type { Camera, CameraAnswer } from "../api/types";
import { known } from "./known";

const EVERY_MS = 5000;

class Cameras {
  list = $state<Camera[]>([]);
  loaded = $state(false);
  failure = $state<ApiError | null>(null);
  #watchers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Keeps the list fresh until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.#loop();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  byId(id: string): Camera | undefined {
    return this.list.find((camera) => camera.id === id);
  }

  nameOf(id: string): string {
    return this.byId(id)?.name || id;
  }

  async refresh(): Promise<void> {
    try {
      this.list = (await getJson<{ cameras: CameraAnswer[] }>("/cameras")).cameras.map(known);
      this.loaded = true;
      this.failure = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
  }

  async #loop(): Promise<void> {
    clearTimeout(this.#timer);
    if (document.visibilityState === "visible" || !this.loaded) await this.refresh();
    if (this.#watchers > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#loop(), EVERY_MS);
    }
  }
}

export const cameras = new Cameras();
