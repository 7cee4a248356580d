/** A service's settings while they are edited. */
import { ApiError, getJson, sendJson } from "../api/client";
import type { ServiceSettings } from "../api/service-types";
import { DocumentForm } from "../settings/document.svelte";

export class ServiceForm extends DocumentForm {
  failure = $state.raw<ApiError | null>(null);
  readonly #path: string;

  constructor(path: string) {
    super(true);
    this.#path = `${path}/settings`;
  }

  async load(): Promise<void> {
    try {
      const answer = await getJson<ServiceSettings>(this.#path);
      this.schema = answer.config_schema;
      this.accept(answer.settings);
      this.failure = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
  }

  /** Answers whether it was saved; errors are then beside their fields. */
  async save(): Promise<boolean> {
    this.saving = true;
    try {
      this.accept((await sendJson<ServiceSettings>("PUT", this.#path, { settings: this.document })).settings);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.refuse(error);
      return false;
    } finally {
      this.saving = false;
    }
  }
}
