"""Opens every hardware codec of libav and uses it on a few pictures. A program of its own, run by ``codecs``:

a driver may crash or hang, and only that tells. One line of JSON a codec, written before it is tried and after.
Arguments: codecs to leave out (``h264_qsv:r``), and standards to look at alone (``h264``).
"""

import json
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import av
from av.codec import Codec

from eyespot.hal.board.codec_options import ask_for_pictures_at_once, layout_for

WIDTH_PX, HEIGHT_PX, PICTURES = 320, 240, 5
MARKS = (
    "v4l2m2m", "vaapi", "qsv", "nvenc", "cuvid", "amf", "rkmpp", "videotoolbox", "mediacodec", "vulkan", "omx", "mmal",
    "nvmpi", "nvv4l2",
)  # fmt: skip
"""Parts of the names of libav's hardware codecs."""
SOFTWARE = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg", "vp8": "libvpx", "vp9": "libvpx-vp9",
            "mpeg4": "mpeg4", "mpeg2": "mpeg2video", "mpeg1": "mpeg1video"}  # fmt: skip
"""Codec → the software encoder that makes the pictures a hardware decoder is tried on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial showed: ``wrong`` is empty when the codec works, ``held`` how many pictures it keeps back."""

    wrong: str = ""
    held: int = 0


def wanted(bases: Collection[str] = ()) -> list[tuple[str, str]]:
    """Name and mode (``w`` encode, ``r`` decode) of the hardware codecs in this build of libav; of ``bases`` alone,
    such as ``h264``, when there are any.
    """
    found = []
    for name in sorted(av.codecs_available):
        base, _, mark = name.rpartition("_")
        if mark in MARKS and (not bases or base in bases):
            for mode in ("w", "r"):
                try:
                    Codec(name, mode)
                except ValueError:
                    continue
                found.append((name, mode))
    return found


def try_codec(name: str, mode: str) -> Outcome:
    """Use the codec on a few pictures, whole from end to end: what it encodes must decode in software."""
    base = name.rpartition("_")[0]
    try:
        if mode == "w":
            packets, held = encode(name)
            if not packets:
                return Outcome("it gave no packet")
            wrong = decode(base, packets).wrong if base in SOFTWARE else ""
            return Outcome(wrong and f"what it encoded does not decode: {wrong}", held)
        maker = SOFTWARE.get(base)
        if maker is None:
            return Outcome("there is no software encoder to try it with")
        return decode(name, encode(maker)[0])
    except (av.FFmpegError, ValueError, RuntimeError, MemoryError) as error:
        return Outcome(str(error)[:200])


def encode(name: str) -> tuple[list[Any], int]:
    """Packets of a few pictures of rising brightness, and how many lagged behind; raises what PyAV raises."""
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height = WIDTH_PX, HEIGHT_PX
    wishes = ("yuvj420p", "nv12") if name.startswith("mjpeg") else ("yuv420p", "nv12")
    context.pix_fmt = layout_for(context, wishes)
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.bit_rate = 500_000
    context.max_b_frames = 0
    ask_for_pictures_at_once(context, name, "w")
    packets: list[Any] = []
    held = 0
    for number in range(PICTURES):
        frame: Any = av.VideoFrame(WIDTH_PX, HEIGHT_PX, context.pix_fmt)
        for plane in frame.planes:
            plane.update(bytes([60 + 20 * number]) * plane.buffer_size)
        frame.pts, frame.time_base = number, Fraction(1, 25)
        packets += context.encode(frame)
        held = max(held, number + 1 - len(packets))
    packets += context.encode(None)
    return packets, held


def decode(name: str, packets: list[Any]) -> Outcome:
    """Whether ``packets`` become pictures of the right size, and how many lag behind; raises what PyAV raises."""
    context: Any = av.CodecContext.create(name, "r")
    context.width, context.height = WIDTH_PX, HEIGHT_PX
    ask_for_pictures_at_once(context, name, "r")
    frames: list[Any] = []
    held = 0
    for number, packet in enumerate(packets, 1):
        frames += context.decode(packet)
        held = max(held, number - len(frames))
    frames += context.decode(None)
    if not frames:
        return Outcome("it gave no picture")
    sizes = {(frame.width, frame.height) for frame in frames}
    return Outcome("" if sizes == {(WIDTH_PX, HEIGHT_PX)} else f"its pictures have size {sizes}", held)


def main(skip: set[str], bases: set[str]) -> None:
    """Try all but those in ``skip`` (``name:mode``)."""
    av.logging.set_level(None)
    for name, mode in wanted(bases):
        key = f"{name}:{mode}"
        if key in skip:
            continue
        print(json.dumps({"trying": key}), flush=True)
        print(json.dumps({"codec": key, **asdict(try_codec(name, mode))}), flush=True)
    print(json.dumps({"done": True, "libav": av.ffmpeg_version_info, "devices": _devices()}), flush=True)


def _devices() -> list[str]:
    from av.codec.hwaccel import hwdevices_available

    return list(hwdevices_available())


if __name__ == "__main__":
    _words = set(sys.argv[1:])
    _skip = {word for word in _words if ":" in word}
    main(_skip, _words - _skip)
