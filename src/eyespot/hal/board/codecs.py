"""Hardware codecs of libav: tried in a process of its own, started again after the one that crashed or hung it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

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


def look_for_codecs(_: Roots) -> Iterator[Item]:
    """One item a codec that works, and one a family of which none does."""
    if folder_of("av") is None:
        yield Item("codec", "libav", False, "PyAV is not installed", "Install eyespot[edge].")
        return
    tried, libav = try_all(_run)
    yield Item("codec", "software", True, f"libav {libav}" if libav else "libav does not answer")
    families: dict[str, dict[str, str]] = {family: {} for family in FAMILIES}
    for key, wrong in tried.items():
        families.setdefault(key.partition(":")[0].rpartition("_")[2], {})[key] = wrong
    for family, codecs in families.items():
        yield from _family(family, codecs)


def _family(family: str, codecs: dict[str, str]) -> Iterator[Item]:
    what, todo = FAMILIES.get(family, (family, ""))
    good: dict[str, list[str]] = {}
    for key, wrong in codecs.items():
        name, _, mode = key.partition(":")
        if not wrong:
            good.setdefault(name, []).append(_MODES[mode])
    for name, modes in sorted(good.items()):
        yield Item("codec", name, True, f"{what}: can {' and '.join(modes)}, tried just now")
    if not codecs:
        yield Item("codec", family, False, f"{what}: not in this build of libav", todo)
    elif not good:
        yield Item("codec", family, False, f"{what}: none of {len(codecs)} opens here", todo)


def try_all(run: Run) -> tuple[dict[str, str], str]:
    """Every codec (``name:mode``) with what is wrong with it, empty where it works; and libav's version.

    ``run`` starts the probe with codecs to leave out and returns what it printed before it ended, however it ended.
    """
    tried: dict[str, str] = {}
    for _ in range(MAX_STARTS):
        trying = ""
        for line in run(list(tried)).splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if not isinstance(document, dict):
                continue
            if "done" in document:
                return tried, str(document.get("libav", ""))
            if "codec" in document:
                tried[str(document["codec"])] = str(document.get("wrong", ""))
            trying = str(document.get("trying", ""))
        if not trying:
            break
        tried[trying] = "it crashed or hung the process that tried it"
    return tried, ""


def _run(skip: Sequence[str]) -> str:
    command = [sys.executable, "-m", "eyespot.hal.board.codec_probe", *skip]
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
