/** Nanoseconds of the API to milliseconds of the app and back. The app counts in (fractional) milliseconds throughout. */

export function toMs(ns: number): number {
  return ns / 1e6;
}

/** Whole nanoseconds as text for a query: a JavaScript number would lose the last digits on the way. */
export function toNs(ms: number): string {
  return (BigInt(Math.round(ms * 1000)) * 1000n).toString();
}
