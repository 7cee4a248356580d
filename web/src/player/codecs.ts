/** Which codecs this browser plays through Media Source Extensions, most wanted first. */

const PROBED = [
  "avc1.640029", "avc1.64001f", "avc1.4d0029", "avc1.42e01e",
  "hvc1.1.6.L120.90", "hev1.1.6.L120.90", "hvc1.1.6.L153.B0", "av01.0.08M.08",
  "mp4a.40.2", "opus",
];

/** Safari on phones has ManagedMediaSource only. */
export function mediaSourceClass(): typeof MediaSource | null {
  if ("MediaSource" in globalThis) return MediaSource;
  const managed = (globalThis as { ManagedMediaSource?: typeof MediaSource }).ManagedMediaSource;
  return managed ?? null;
}

export function playableCodecs(): string {
  const source = mediaSourceClass();
  if (!source) return "";
  return PROBED.filter((codec) => source.isTypeSupported(`video/mp4; codecs="${codec}"`)).join(",");
}
