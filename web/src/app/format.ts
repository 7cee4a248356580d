/** Numbers and moments as people read them. Pure; the locale is the browser's. */

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function bitrate(bps: number): string {
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bps / 1e3)} kbit/s`;
}

/** A length of time in its two largest units: `8 s`, `3 min 05 s`, `2 h 14 min`, `5 d 3 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export function count(value: number): string {
  return value.toLocaleString(undefined, { maximumFractionDigits: 0 });
}

export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };

export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, CLOCK);
}

export function clockMinutes(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
}

export function day(ms: number): string {
  return new Date(ms).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
}

export function moment(ms: number): string {
  return `${day(ms)}, ${clock(ms)}`;
}

/** Local midnight of the day that holds `ms`. */
export function dayStart(ms: number): number {
  const date = new Date(ms);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

/** `YYYY-MM-DD` in local time, the form of a date input. */
export function dayKey(ms: number): string {
  const date = new Date(ms);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
}

/** From and to of a local day written `YYYY-MM-DD`; null when it is no date. */
export function dayRange(key: string): { from: number; to: number } | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(key);
  if (!match) return null;
  const from = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3])).getTime();
  const to = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + 1).getTime();
  return Number.isFinite(from) ? { from, to } : null;
}

/** A file name that says what it holds: `front-door_2026-03-01_14-05-09.mp4`. */
export function fileName(camera: string, ms: number, extension: string): string {
  const date = new Date(ms);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0")).join("-");
  return `${camera.replace(/[^\w.-]+/g, "-")}_${dayKey(ms)}_${time}.${extension}`;
}
