/** The config document while it is edited. */
import { ApiError, getJson, sendJson } from "../api/client";
import type { ConfigAnswer } from "../api/types";
import { getAt, type Path, placeErrors, type Schema, setAt } from "./schema";

export class ConfigForm {
  schema = $state.raw<Schema | null>(null);
  document = $state.raw<Record<string, unknown>>({});
  failure = $state.raw<ApiError | null>(null);
  saving = $state(false);
  stale = $state(false);
  fields = $state.raw<Record<string, string>>({});
  rest = $state.raw<string[]>([]);
  /** Keys that are saved and take effect after a restart. */
  restart = $state.raw<string[]>([]);
  #saved = $state("");
  #etag = "";

  #shown: { path: Path; list: unknown[] }[] = [];

  readonly dirty = $derived(JSON.stringify(this.document) !== this.#saved);

  async load(): Promise<void> {
    try {
      const [schema, answer] = await Promise.all([getJson<Schema>("/config/schema"), getJson<ConfigAnswer>("/config")]);
      this.schema = schema;
      this.#accept(answer);
      this.failure = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
  }

  #accept(answer: ConfigAnswer): void {
    this.document = answer.document;
    this.#saved = JSON.stringify(answer.document);
    this.#etag = answer.etag;
    this.restart = answer.restart;
    this.fields = {};
    this.rest = [];
    this.stale = false;
  }

  /** A default list that is shown but not in the document: a change inside it writes the list first. */
  show(path: Path, list: unknown[]): () => void {
    const entry = { path, list };
    this.#shown.push(entry);
    return () => (this.#shown = this.#shown.filter((item) => item !== entry));
  }

  set(path: Path, value: unknown): void {
    let next = this.document;
    for (const { path: place, list } of this.#shown) {
      const below = place.length < path.length && place.every((step, i) => step === path[i]);
      if (below && getAt(next, place) === undefined) next = setAt(next, place, structuredClone(list));
    }
    this.document = setAt(next, path, value);
    const key = path.join(".");
    if (this.fields[key]) this.fields = Object.fromEntries(Object.entries(this.fields).filter(([name]) => name !== key));
  }

  revert(): void {
    this.document = JSON.parse(this.#saved) as Record<string, unknown>;
    this.fields = {};
    this.rest = [];
  }

  /** Answers whether it was saved; errors are then beside their fields. */
  async save(): Promise<boolean> {
    this.saving = true;
    try {
      this.#accept(await sendJson<ConfigAnswer>("PUT", "/config", { document: this.document, etag: this.#etag }));
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.stale = error.status === 409;
      const placed = error.status === 409 ? { fields: {}, rest: [] } : placeErrors(error.what, this.document);
      this.fields = placed.fields;
      this.rest = placed.rest;
      return false;
    } finally {
      this.saving = false;
    }
  }
}
