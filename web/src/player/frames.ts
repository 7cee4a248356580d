/** Counts pictures that really reached the screen and tells their media time; by requestVideoFrameCallback, or by the playback clock where a browser lacks it. */

export interface FrameWatch {
  stop(): void;
}

export function watchFrames(video: HTMLVideoElement, onFrame: (mediaTime_s: number, presented: number) => void): FrameWatch {
  let handle = 0;
  let running = true;
  if (typeof video.requestVideoFrameCallback === "function") {
    const tick = (_now: number, frame: VideoFrameCallbackMetadata): void => {
      if (!running) return;
      onFrame(frame.mediaTime, frame.presentedFrames);
      handle = video.requestVideoFrameCallback(tick);
    };
    handle = video.requestVideoFrameCallback(tick);
    return {
      stop: () => {
        running = false;
        video.cancelVideoFrameCallback(handle);
      },
    };
  }
  let last = -1;
  const poll = (): void => {
    if (!running) return;
    if (video.currentTime !== last && video.readyState >= 2) {
      last = video.currentTime;
      onFrame(last, video.getVideoPlaybackQuality().totalVideoFrames);
    }
    handle = requestAnimationFrame(poll);
  };
  handle = requestAnimationFrame(poll);
  return {
    stop: () => {
      running = false;
      cancelAnimationFrame(handle);
    },
  };
}
