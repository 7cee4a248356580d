"""Hardware codecs of libav: tried in a process of its own, started again after the one that crashed or hung it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eyespot.hal.accelerators.installed import folder_of
from eyespot.hal.board.item import Item
from eyespot.hal.board.roots import Roots

FAMILIES = {
    "v4l2m2m": ("the kernel's codecs (V4L2 M2M)", "Needs a kernel driver that offers a codec as /dev/video*."),
    "vaapi": ("VAAPI", "Needs PyAV built against the system's FFmpeg, and a GPU driver for VAAPI."),
    "qsv": ("Intel Quick Sync", "Needs an Intel GPU and its oneVPL runtime."),
    "nvenc": ("NVIDIA encoders", "Needs an NVIDIA GPU and its driver."),
    "cuvid": ("NVIDIA decoders", "Needs an NVIDIA GPU and its driver."),
    "amf": ("AMD encoders and decoders", "Needs an AMD GPU and its AMF runtime."),
}
"""The end of a codec's name → what it is, and what it needs."""
MAX_STARTS = 4
LIMIT_S = 20.0
_MODES = {"w": "encode", "r": "decode"}
Run = Callable[[Sequence[str]], str]
"""Starts the probe with these arguments; what it printed before it ended, however it ended."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What trying a codec showed: ``wrong`` is empty when it works, ``held`` how many pictures it keeps back."""

    wrong: str = ""
    held: int = 0


def look_for_codecs(_: Roots) -> Iterator[Item]:
    """One item a codec that works, and one a family of which none does."""
    if folder_of("av") is None:
        yield Item("codec", "libav", False, "PyAV is not installed", "Install eyespot[edge].")
        return
    tried, libav = try_all(run_probe)
    yield Item("codec", "software", True, f"libav {libav}" if libav else "libav does not answer")
    families: dict[str, dict[str, Tried]] = {family: {} for family in FAMILIES}
    for key, one in tried.items():
        families.setdefault(key.partition(":")[0].rpartition("_")[2], {})[key] = one
    for family, codecs in families.items():
        yield from _family(family, codecs)


def _family(family: str, codecs: dict[str, Tried]) -> Iterator[Item]:
    what, todo = FAMILIES.get(family, (family, ""))
    good: dict[str, list[str]] = {}
    for key, one in codecs.items():
        name, _, mode = key.partition(":")
        if not one.wrong:
            late = f" ({one.held} pictures late)" if one.held else ""
            good.setdefault(name, []).append(_MODES[mode] + late)
    for name, modes in sorted(good.items()):
        yield Item("codec", name, True, f"{what}: can {' and '.join(modes)}, tried just now")
    if not codecs:
        yield Item("codec", family, False, f"{what}: not in this build of libav", todo)
    elif not good:
        yield Item("codec", family, False, f"{what}: none of {len(codecs)} opens here", todo)


def try_all(run: Run, bases: Sequence[str] = ()) -> tuple[dict[str, Tried], str]:
    """Every hardware codec (``name:mode``) and what trying it showed; and libav's version.

    ``bases`` (``h264``, ``hevc``, …) are looked at alone when there are any. ``run`` is given codecs to leave out, and
    them.
    """
    tried: dict[str, Tried] = {}
    for _ in range(MAX_STARTS):
        trying = ""
        for line in run([*tried, *bases]).splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if not isinstance(document, dict):
                continue
            if "done" in document:
                return tried, str(document.get("libav", ""))
            if "codec" in document:
                held = document.get("held", 0)
                tried[str(document["codec"])] = Tried(
                    str(document.get("wrong", "")), held if isinstance(held, int) else 0
                )
            trying = str(document.get("trying", ""))
        if not trying:
            break
        tried[trying] = Tried("it crashed or hung the process that tried it")
    return tried, ""


def run_probe(arguments: Sequence[str]) -> str:
    """Run the probe in a process of its own, for ``LIMIT_S`` at most."""
    command = [sys.executable, "-m", "eyespot.hal.board.codec_probe", *arguments]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT_S
        )
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    except OSError:
        return ""
    return output.decode("utf-8", errors="replace")
