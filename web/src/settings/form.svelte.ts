/** The config document while it is edited. */
import { ApiError, getJson, sendJson } from "../api/client";
import type { ConfigAnswer } from "../api/types";
import { DocumentForm } from "./document.svelte";
import type { Schema } from "./schema";

export class ConfigForm extends DocumentForm {
  failure = $state.raw<ApiError | null>(null);
  stale = $state(false);
  /** Keys that are saved and take effect after a restart. */
  restart = $state.raw<string[]>([]);
  #etag = "";

  async load(): Promise<void> {
    try {
      const [schema, answer] = await Promise.all([getJson<Schema>("/config/schema"), getJson<ConfigAnswer>("/config")]);
      this.schema = schema;
      this.#take(answer);
      this.failure = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
  }

  #take(answer: ConfigAnswer): void {
    this.accept(answer.document);
    this.#etag = answer.etag;
    this.restart = answer.restart;
    this.stale = false;
  }

  /** Answers whether it was saved; errors are then beside their fields. */
  async save(): Promise<boolean> {
    this.saving = true;
    try {
      this.#take(await sendJson<ConfigAnswer>("PUT", "/config", { document: this.document, etag: this.#etag }));
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.stale = error.status === 409;
      if (!this.stale) this.refuse(error);
      return false;
    } finally {
      this.saving = false;
    }
  }
}
