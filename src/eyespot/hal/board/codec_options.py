"""How a hardware codec of libav is asked to give each picture at once; the same for its trial and for its use.

Options are those of FFmpeg's own documentation of each codec. None has met its silicon here.
"""

from typing import Any

AT_ONCE = {
    "nvenc": {"delay": "0", "zerolatency": "1"},
    "qsv": {"async_depth": "1"},
}
"""End of a codec's name → options."""
FLAG_LOW_DELAY = 1 << 19
"""``AV_CODEC_FLAG_LOW_DELAY``; without it NVIDIA's decoder holds four pictures back."""


def family_of(name: str) -> str:
    """The part of a codec's name that says which hardware it is for, such as ``v4l2m2m``."""
    return name.rpartition("_")[2]


def ask_for_pictures_at_once(context: Any, name: str, mode: str) -> None:
    """Set flags and options of ``context`` (not opened yet) for the codec ``name``; ``mode`` is ``r`` or ``w``."""
    if mode == "r":
        context.flags |= FLAG_LOW_DELAY
    context.options = {**dict(context.options or {}), **AT_ONCE.get(family_of(name), {})}


def layout_for(context: Any, wishes: tuple[str, ...] = ("yuv420p", "nv12")) -> str:
    """The first of ``wishes`` that the encoder of ``context`` takes; the first of all where it does not say."""
    formats = {item.name for item in context.codec.video_formats or ()}
    return next((item for item in wishes if item in formats), wishes[0])
