/** What settings may speak of without typing it: the cameras that they are for, their pictures, zones and streams. */
import { ApiError, getJson } from "../api/client";
import type { Rules } from "../api/types";
import { cameras } from "../app/cameras.svelte";

export class Surroundings {
  /** Ids of the cameras; the first one's picture is drawn on. */
  cameras = $state.raw<string[]>([]);
  /** Names of their zones. */
  zones = $state.raw<string[]>([]);
  readonly streams = $derived([...new Set(this.cameras.flatMap((id) => cameras.byId(id)?.streams.map((stream) => stream.name) ?? []))]);

  /** Looks round at the cameras with these ids. One that cannot be asked has no zones to offer; names can still be kept. */
  async look(ids: string[]): Promise<void> {
    this.cameras = ids;
    const found = await Promise.all(ids.map(zonesOf));
    this.zones = [...new Set(found.flat())];
  }
}

async function zonesOf(camera: string): Promise<string[]> {
  try {
    return (await getJson<Rules>(`/cameras/${encodeURIComponent(camera)}/rules`)).zones.map((zone) => zone.name);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [];
  }
}
