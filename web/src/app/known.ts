/** Turns what the API says of a camera into what the app works with: a stream that has not told its form yet is left out. Pure. */
import type { Camera, CameraAnswer, StreamInfo } from "../api/types";

export function known(answer: CameraAnswer): Camera {
  const streams: StreamInfo[] = [];
  for (const stream of answer.streams) {
    const { codec, width_px, height_px } = stream;
    if (!codec || !width_px || !height_px) continue;
    streams.push({ name: stream.name, codec, width_px, height_px, fps: stream.fps ?? 0, bitrate_bps: stream.bitrate_bps ?? 0 });
  }
  return { ...answer, streams };
}
