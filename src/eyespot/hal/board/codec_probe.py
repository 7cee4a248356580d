"""Opens every hardware codec of libav and uses it on a few pictures. A program of its own, run by ``codecs``:

a driver may crash or hang, and only that tells. One line of JSON a codec, written before it is tried and after.
"""

import json
import sys
from fractions import Fraction
from typing import Any

import av
from av.codec import Codec

WIDTH_PX, HEIGHT_PX, PICTURES = 320, 240, 5
MARKS = (
    "v4l2m2m", "vaapi", "qsv", "nvenc", "cuvid", "amf", "rkmpp", "videotoolbox", "mediacodec", "vulkan", "omx", "mmal",
    "nvmpi", "nvv4l2",
)  # fmt: skip
"""Parts of the names of libav's hardware codecs."""
SOFTWARE = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg", "vp8": "libvpx", "vp9": "libvpx-vp9",
            "mpeg4": "mpeg4", "mpeg2": "mpeg2video", "mpeg1": "mpeg1video"}  # fmt: skip
"""Codec → the software encoder that makes the pictures a hardware decoder is tried on."""


def wanted() -> list[tuple[str, str]]:
    """Name and mode (``w`` encode, ``r`` decode) of every hardware codec in this build of libav."""
    found = []
    for name in sorted(av.codecs_available):
        if any(name.endswith(f"_{mark}") for mark in MARKS):
            for mode in ("w", "r"):
                try:
                    Codec(name, mode)
                except ValueError:
                    continue
                found.append((name, mode))
    return found


def try_codec(name: str, mode: str) -> str:
    """Use the codec on a few pictures; an empty string when it works, else what went wrong."""
    try:
        if mode == "w":
            packets = encode(name)
            return "" if packets else "it gave no packet"
        base = name.rpartition("_")[0]
        maker = SOFTWARE.get(base)
        if maker is None:
            return "there is no software encoder to try it with"
        return decode(name, encode(maker))
    except (av.FFmpegError, ValueError, RuntimeError, MemoryError) as error:
        return str(error)[:200]


def encode(name: str) -> list[Any]:
    """Packets of a few pictures of rising brightness; raises what PyAV raises."""
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height = WIDTH_PX, HEIGHT_PX
    formats = {item.name for item in context.codec.video_formats or ()}
    wishes = ("yuvj420p", "nv12") if name.startswith("mjpeg") else ("yuv420p", "nv12")
    context.pix_fmt = next((item for item in wishes if item in formats), wishes[0])
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.bit_rate = 500_000
    packets: list[Any] = []
    for number in range(PICTURES):
        frame: Any = av.VideoFrame(WIDTH_PX, HEIGHT_PX, context.pix_fmt)
        for plane in frame.planes:
            plane.update(bytes([60 + 20 * number]) * plane.buffer_size)
        frame.pts, frame.time_base = number, Fraction(1, 25)
        packets += context.encode(frame)
    packets += context.encode(None)
    return packets


def decode(name: str, packets: list[Any]) -> str:
    """Empty when ``packets`` become pictures of the right size, else what went wrong; raises what PyAV raises."""
    context: Any = av.CodecContext.create(name, "r")
    context.width, context.height = WIDTH_PX, HEIGHT_PX
    frames: list[Any] = []
    for packet in packets:
        frames += context.decode(packet)
    frames += context.decode(None)
    if not frames:
        return "it gave no picture"
    sizes = {(frame.width, frame.height) for frame in frames}
    return "" if sizes == {(WIDTH_PX, HEIGHT_PX)} else f"its pictures have size {sizes}"


def main(skip: set[str]) -> None:
    """Try all but those in ``skip`` (``name:mode``)."""
    av.logging.set_level(None)
    for name, mode in wanted():
        key = f"{name}:{mode}"
        if key in skip:
            continue
        print(json.dumps({"trying": key}), flush=True)
        print(json.dumps({"codec": key, "wrong": try_codec(name, mode)}), flush=True)
    print(json.dumps({"done": True, "libav": av.ffmpeg_version_info, "devices": _devices()}), flush=True)


def _devices() -> list[str]:
    from av.codec.hwaccel import hwdevices_available

    return list(hwdevices_available())


if __name__ == "__main__":
    main(set(sys.argv[1:]))
