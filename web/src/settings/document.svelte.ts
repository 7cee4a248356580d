/** A document while it is edited by a form that is drawn from its schema: what was saved, what is changed, what is wrong where. */
import type { ApiError } from "../api/client";
import { getAt, type Path, placeErrors, type Schema, setAt } from "./schema";
import { Surroundings } from "./surroundings.svelte";

type Document = Record<string, unknown>;

export class DocumentForm {
  schema = $state.raw<Schema | null>(null);
  document = $state.raw<Document>({});
  fields = $state.raw<Record<string, string>>({});
  rest = $state.raw<string[]>([]);
  saving = $state(false);
  /** What settings can speak of by name. */
  readonly around = new Surroundings();
  /** Whether fields are called by their schema's titles; else by their keys in words. */
  readonly titled: boolean;
  #saved = $state("");
  #shown: { path: Path; list: unknown[] }[] = [];

  readonly dirty = $derived(JSON.stringify(this.document) !== this.#saved);

  constructor(titled = false) {
    this.titled = titled;
  }

  accept(document: Document): void {
    this.document = document;
    this.#saved = JSON.stringify(document);
    this.fields = {};
    this.rest = [];
  }

  refuse(error: ApiError): void {
    const placed = placeErrors(error.what, this.document, this.schema?.properties);
    this.fields = placed.fields;
    this.rest = placed.rest;
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
    this.document = JSON.parse(this.#saved) as Document;
    this.fields = {};
    this.rest = [];
  }
}
