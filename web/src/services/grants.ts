/** From ticked wishes to what the owner grants. Pure. */
import type { Granted, Key, Part, Wish } from "../api/service-types";

export const PARTS: readonly Part[] = ["see", "use", "send"];
const KEYS: readonly Key[] = ["views", "models", "read", "emit", "record", "ask", "outputs", "network"];

export function wishId(wish: Pick<Wish, "key" | "value">): string {
  return `${wish.key}:${wish.value}`;
}

/** What is granted when `ticked` (by `wishId`) is, with `camera` for the one it is for; all else as `before`. */
export function grantedOf(wishes: readonly Wish[], ticked: ReadonlySet<string>, camera: string, before: Partial<Granted> = {}): Granted {
  const lists = KEYS.map((key) => [key, wishes.filter((wish) => wish.key === key && ticked.has(wishId(wish))).map((wish) => wish.value)]);
  return { ...before, camera, ...Object.fromEntries(lists) } as Granted;
}

export function tickedOf(wishes: readonly Wish[]): Set<string> {
  return new Set(wishes.filter((wish) => wish.granted).map(wishId));
}

export function sameTicks(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((id) => other.has(id));
}

/** Lines of use that no tick takes away: the budget, and where it runs. */
export function fixedUse(use: readonly string[], wishes: readonly Wish[]): string[] {
  return use.filter((line) => !wishes.some((wish) => wish.part === "use" && wish.words === line));
}
