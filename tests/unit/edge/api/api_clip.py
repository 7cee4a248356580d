"""A small real H.264 clip, encoded once: a bright square wandering over grey."""

import io
from functools import cache

import av
import numpy as np

from eyespot.contracts.packet import Packet, StreamFormat, VideoFormat
from eyespot.kernel.clock import NS_PER_S

FPS, SECONDS, WIDTH, HEIGHT = 10, 4, 160, 120


@cache
def encoded() -> tuple[VideoFormat, tuple[tuple[bytes, bool], ...]]:
    """The format and, frame by frame, (data, is_key); one key frame a second, no reordering."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as box:
        stream = box.add_stream("libx264", rate=FPS, options={"g": str(FPS), "bf": "0", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FPS * SECONDS):
            picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            picture[30:60, 3 * number : 3 * number + 30] = 230
            box.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        box.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as box:
        stream = box.streams.video[0]
        configuration = bytes(stream.codec_context.extradata or b"")
        frames = tuple((bytes(packet), packet.is_keyframe) for packet in box.demux(stream) if packet.size)
    return VideoFormat("h264", WIDTH, HEIGHT, configuration), frames


def packets(start_ns: int, count: int, first: int = 0) -> list[Packet]:
    """``count`` packets from frame ``first`` on (the clip repeats), the first captured at ``start_ns``."""
    _, frames = encoded()
    step_ns = NS_PER_S // FPS
    return [
        Packet("video", at, at, step_ns, key, data)
        for at, (data, key) in (
            (start_ns + number * step_ns, frames[(first + number) % len(frames)]) for number in range(count)
        )
    ]


def stream_format(wall_offset_ns: int = 0) -> StreamFormat:
    """The clip's format."""
    return StreamFormat(encoded()[0], None, wall_offset_ns)
