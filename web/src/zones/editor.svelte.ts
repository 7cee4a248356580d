/** State of the zone editor: the rules as drawn, what is chosen, what is being drawn, and the way back. */
import type { Line, Mask, Point, Rules, Zone } from "../api/types";
import { t } from "../text";
import { heldPoint, newLine, newMask, newZone, POINTS_MOST } from "./geometry";

export type ShapeKind = "zone" | "line" | "mask";
export type Mode = "select" | ShapeKind;
export interface Choice {
  kind: ShapeKind;
  index: number;
}

const HISTORY_MOST = 100;

function copy(rules: Rules): Rules {
  return JSON.parse(JSON.stringify(rules)) as Rules;
}

export class ZoneEditor {
  rules = $state<Rules>({ zones: [], lines: [], masks: [] });
  choice = $state<Choice | null>(null);
  mode = $state<Mode>("select");
  draft = $state<Point[]>([]);
  /** Corners that a shape may have. */
  cornersMost = POINTS_MOST;
  #past = $state.raw<string[]>([]);
  #future = $state.raw<string[]>([]);
  #saved = $state("");
  #held: string | null = null;

  readonly now = $derived(JSON.stringify(this.rules));
  readonly dirty = $derived(this.now !== this.#saved);
  readonly canUndo = $derived(this.#past.length > 0 || this.draft.length > 0);
  readonly canRedo = $derived(this.#future.length > 0);

  load(rules: Rules): void {
    this.rules = copy(rules);
    this.#saved = JSON.stringify(this.rules);
    this.#past = [];
    this.#future = [];
    this.choice = null;
    this.draft = [];
  }

  saved(rules: Rules): void {
    this.rules = copy(rules);
    this.#saved = JSON.stringify(this.rules);
  }

  /** Takes over what was changed elsewhere; the way back and the choice stay as far as they still mean something. */
  accept(rules: Rules): void {
    this.#restore(JSON.stringify(rules));
  }

  get zone(): Zone | undefined {
    return this.choice?.kind === "zone" ? this.rules.zones[this.choice.index] : undefined;
  }

  get line(): Line | undefined {
    return this.choice?.kind === "line" ? this.rules.lines[this.choice.index] : undefined;
  }

  get mask(): Mask | undefined {
    return this.choice?.kind === "mask" ? this.rules.masks[this.choice.index] : undefined;
  }

  /** What is chosen, when it is a zone or a mask. */
  get polygon(): Zone | Mask | undefined {
    return this.zone ?? this.mask;
  }

  /** Whether saving changes what is hidden, which opens the camera's streams again. */
  get masksChanged(): boolean {
    const saved = this.#saved === "" ? [] : (JSON.parse(this.#saved) as Rules).masks;
    return JSON.stringify(this.rules.masks) !== JSON.stringify(saved);
  }

  #listOf(kind: ShapeKind): { name: string }[] {
    return { zone: this.rules.zones, line: this.rules.lines, mask: this.rules.masks }[kind];
  }

  /** Points of what is chosen, in order. */
  get points(): Point[] {
    if (this.polygon) return this.polygon.points;
    return this.line ? [this.line.a, this.line.b] : [];
  }

  /** Makes one step that undo takes back as a whole. */
  change(action: () => void): void {
    this.hold();
    action();
    this.release();
  }

  /** Begins a change that goes on for a while, such as a drag. */
  hold(): void {
    this.#held ??= JSON.stringify(this.rules);
  }

  release(): void {
    const before = this.#held;
    this.#held = null;
    if (before === null || before === JSON.stringify(this.rules)) return;
    this.#past = [...this.#past.slice(1 - HISTORY_MOST), before];
    this.#future = [];
  }

  undo(): void {
    if (this.draft.length > 0) {
      this.draft = this.draft.slice(0, -1);
      return;
    }
    const before = this.#past.at(-1);
    if (before === undefined) return;
    this.#future = [...this.#future, JSON.stringify(this.rules)];
    this.#past = this.#past.slice(0, -1);
    this.#restore(before);
  }

  redo(): void {
    const after = this.#future.at(-1);
    if (after === undefined) return;
    this.#past = [...this.#past, JSON.stringify(this.rules)];
    this.#future = this.#future.slice(0, -1);
    this.#restore(after);
  }

  #restore(text: string): void {
    this.rules = JSON.parse(text) as Rules;
    if (this.choice && !this.#listOf(this.choice.kind)[this.choice.index]) this.choice = null;
  }

  setMode(mode: Mode): void {
    this.mode = mode;
    this.draft = [];
    if (mode !== "select") this.choice = null;
  }

  addPoint(point: Point): void {
    if (this.draft.length >= this.cornersMost) return this.finish();
    this.draft = [...this.draft, heldPoint(point)];
    if (this.mode === "line" && this.draft.length === 2) this.finish();
  }

  /** Turns the points drawn so far into a shape, when they are enough for one. */
  finish(): void {
    const points = this.draft;
    if (this.mode === "zone" && points.length >= 3) {
      this.change(() => this.rules.zones.push(newZone(this.rules, points, t.zones.zone)));
      this.choice = { kind: "zone", index: this.rules.zones.length - 1 };
    } else if (this.mode === "mask" && points.length >= 3) {
      this.change(() => this.rules.masks.push(newMask(this.rules, points, t.zones.mask)));
      this.choice = { kind: "mask", index: this.rules.masks.length - 1 };
    } else if (this.mode === "line" && points.length === 2) {
      const [a, b] = points as [Point, Point];
      if (a[0] === b[0] && a[1] === b[1]) return void (this.draft = [a]);
      this.change(() => this.rules.lines.push(newLine(this.rules, a, b, t.zones.line)));
      this.choice = { kind: "line", index: this.rules.lines.length - 1 };
    } else return;
    this.draft = [];
    this.mode = "select";
  }

  setPoints(points: Point[]): void {
    if (this.polygon) this.polygon.points = points;
    else if (this.line && points.length === 2) [this.line.a, this.line.b] = points as [Point, Point];
  }

  movePoint(index: number, to: Point): void {
    this.setPoints(this.points.map((point, i) => (i === index ? heldPoint(to) : point)));
  }

  insertPoint(after: number, point: Point): void {
    if (!this.polygon || this.polygon.points.length >= this.cornersMost) return;
    this.polygon.points.splice(after + 1, 0, heldPoint(point));
  }

  removePoint(index: number): void {
    if (this.polygon && this.polygon.points.length > 3) this.change(() => this.polygon?.points.splice(index, 1));
  }

  removeChosen(): void {
    const choice = this.choice;
    if (!choice) return;
    this.change(() => this.#listOf(choice.kind).splice(choice.index, 1));
    this.choice = null;
  }

  flip(): void {
    this.change(() => this.setPoints([...this.points].reverse()));
  }
}
