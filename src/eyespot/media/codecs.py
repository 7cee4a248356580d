"""Which of libav's codecs decodes a stream and encodes pictures, and why.

A hardware codec is used only when a trial in a process of its own coded a few pictures whole, and each at once: vision
looks at single pictures, and one that comes later than its packet is of no use to it. The trial is made once in the
life of a process, in a thread; until it is over, and wherever it fails, software does the work. One that fails in use
is not used again by this process.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eyespot.contracts.packet import VideoCodec
from eyespot.hal.board.codec_options import family_of
from eyespot.hal.board.codecs import FAMILIES, Tried, run_probe, try_all

log = logging.getLogger(__name__)

AUTO, SOFTWARE = "auto", "software"
SOFTWARE_DECODERS: dict[VideoCodec, str] = {"h264": "h264", "h265": "hevc"}
SOFTWARE_ENCODER = "libx264"
PATIENCE_S = 5.0
"""An encoder waits so long for the trial; a decoder can change at any key frame, and never waits."""
Mode = Literal["r", "w"]
Probe = Callable[[], Mapping[str, Tried]]
_NODES = ("video*", "dri/render*", "nvidia*", "mpp_service", "vchiq", "dxg")
"""Below ``/dev``: what a hardware codec could be reached by."""


@dataclass(frozen=True, slots=True)
class Choice:
    """libav's name of a codec, and why this one."""

    name: str
    why: str
    hardware: bool = False


def probe(devices: Path = Path("/dev")) -> Mapping[str, Tried]:
    """Try the hardware codecs for H.264 and H.265; none where no device could be behind them. Blocks for seconds."""
    if not any(True for pattern in _NODES for _ in devices.glob(pattern)):
        return {}
    return try_all(run_probe, tuple(SOFTWARE_DECODERS.values()))[0]


def choose(base: str, mode: Mode, software: str, wanted: str, tried: Mapping[str, Tried]) -> Choice:
    """The codec for the standard ``base`` (``h264`` or ``hevc``), to decode (``r``) or encode (``w``) with.

    Args:
        software: what does it in software.
        wanted: ``auto``, ``software``, or the name of a hardware codec.
        tried: by ``name:mode``.
    """
    if wanted == SOFTWARE:
        return Choice(software, "the config says software")
    if wanted not in (AUTO, software):
        if wanted.rpartition("_")[0] != base:
            return Choice(software, f"{wanted}, which the config names, is for another standard")
        one = tried.get(f"{wanted}:{mode}", Tried("not in this build of libav, or not tried"))
        wrong = _wrong(one)
        return Choice(software, f"{wanted}: {wrong}") if wrong else Choice(wanted, "the config names it", hardware=True)
    ends = list(FAMILIES)
    names = [key.partition(":")[0] for key in tried if key.endswith(f":{mode}") and key.rpartition("_")[0] == base]
    for name in sorted(names, key=lambda one: ends.index(family_of(one)) if family_of(one) in ends else len(ends)):
        if not _wrong(tried[f"{name}:{mode}"]):
            return Choice(name, "it passed a trial in a process of its own", hardware=True)
    late = [name for name in names if not tried[f"{name}:{mode}"].wrong]
    if late:
        return Choice(software, f"{', '.join(late)} works, but holds pictures back")
    return Choice(
        software, f"none of {len(names)} hardware codecs works here" if names else "no hardware codec was found"
    )


class Codecs:
    """The codecs of one process. Thread-safe.

    Args:
        decoder: which decoder is wanted: ``auto``, ``software``, or a name of libav's.
        probe: makes the trial; called once at most.
    """

    def __init__(self, decoder: str = AUTO, probe: Probe = probe) -> None:
        self._wanted = decoder
        self._probe = probe
        self._tried: Mapping[str, Tried] = {}
        self._broken: dict[str, str] = {}
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._asked: dict[str, Choice] = {}
        self._failures = 0

    def start(self) -> None:
        """Begin the trial, unless it was begun before."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._try, name="codec trial", daemon=True)
                self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the trial to end; False when it has not within ``seconds``."""
        self.start()
        return self._done.wait(seconds)

    def decoder(self, codec: VideoCodec) -> Choice:
        """What decodes ``codec`` from now on; never waits."""
        base = SOFTWARE_DECODERS[codec]
        if self._wanted != SOFTWARE:
            self.start()
        return self._choice(f"decode {codec}", base, "r", base, self._wanted)

    def encoder(self, wanted: str = AUTO) -> str:
        """Name of what encodes H.264 from now on; waits ``PATIENCE_S`` at most for the trial."""
        if wanted != SOFTWARE:
            self.wait(PATIENCE_S)
        return self._choice("encode h264", "h264", "w", SOFTWARE_ENCODER, wanted).name

    def failed(self, name: str, why: str) -> None:
        """``name`` failed in use: it is not used again. Counted, and logged once."""
        with self._lock:
            self._failures += 1
            if name in self._broken:
                return
            self._broken[name] = why
        log.error("%s failed, software does its work from now on: %s", name, why)

    def status(self) -> dict[str, Any]:
        """What is used for what, and why; JSON-ready."""
        with self._lock:
            used = dict(self._asked)
        return {
            "trial": "over" if self._done.is_set() else "running" if self._thread else "not made",
            "failures": self._failures,
            **{what: {"name": choice.name, "why": choice.why} for what, choice in used.items()},
        }

    def _choice(self, what: str, base: str, mode: Mode, software: str, wanted: str) -> Choice:
        if wanted != SOFTWARE and not self._done.is_set():
            choice = Choice(software, "the trial of hardware codecs is not over")
        else:
            with self._lock:
                tried = {**self._tried, **{f"{name}:{mode}": Tried(why) for name, why in self._broken.items()}}
            choice = choose(base, mode, software, wanted, tried)
        with self._lock:
            self._asked[what] = choice
        return choice

    def _try(self) -> None:
        try:
            self._tried = self._probe()
        finally:
            self._done.set()
        for key, one in self._tried.items():
            if not one.wrong:
                log.info("hardware codec %s works, %d pictures late", key, one.held)


def _wrong(one: Tried) -> str:
    return one.wrong or (f"it works, but holds {one.held} pictures back" if one.held else "")
