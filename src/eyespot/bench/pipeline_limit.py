"""The bare limit that `bench pipeline` holds the pipeline against: decode and inference alone, on the same lanes.

Usage: python -m eyespot.bench.pipeline_limit CLIP PACKAGE LANES. Prints one line of JSON: frames, cpu_s, the
seconds from the first result to the last, and how many frames were taken up in that time (timed).
"""

import json
import resource
import sys
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path

import av

from eyespot.contracts.packet import Packet, VideoFormat
from eyespot.infer.lanes import Lanes
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.media.decode import Decoder


def main() -> None:
    """Every frame of the clip through the decoder, the resize and the model; nothing is made of the outputs."""
    clip, package, lanes = Path(sys.argv[1]), ModelPackage.load(Path(sys.argv[2])), int(sys.argv[3])
    video, packets = read(clip)
    height_px, width_px = package.document.input.fit(video.width_px / video.height_px)
    running = Lanes(lambda: open_session(package, size_px=(height_px, width_px)), lanes, finish=lambda *_: None)
    decoder = Decoder(video, fast=True)
    waiting: deque[Future[None]] = deque()
    begin, first_s, frames, before = _cpu_s(), 0.0, 0, 0
    order = package.document.input.order
    for packet in packets:
        for frame in decoder.decode(packet):
            image = frame.rgb(width_px, height_px) if order == "rgb" else frame.bgr(width_px, height_px)
            if len(waiting) > lanes + 1:
                waiting.popleft().result()
                if not first_s:
                    first_s, before = time.perf_counter(), frames
            waiting.append(running.submit(image))
            frames += 1
    for result in waiting:
        result.result()
    end_s, used_s = time.perf_counter(), _cpu_s() - begin
    print(json.dumps({"frames": frames, "timed": frames - before, "seconds": end_s - first_s, "cpu_s": used_s}))
    running.close()


def read(clip: Path) -> tuple[VideoFormat, list[Packet]]:
    """The H.264 packets of an MP4 file, in memory."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        video = VideoFormat("h264", stream.width, stream.height, bytes(stream.codec_context.extradata or b""))
        packets = [
            Packet("video", number, number, 0, bool(packet.is_keyframe), bytes(packet))
            for number, packet in enumerate(container.demux(stream))
            if packet.size
        ]
    return video, packets


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
