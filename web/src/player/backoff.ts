/** How long to wait before the next attempt: doubling from half a second to fifteen, each drawn between half and all of it so that viewers do not return in step. */

const FIRST_MS = 500;
const MOST_MS = 15_000;

export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.5 + 0.5 * random));
}
