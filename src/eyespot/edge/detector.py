"""A model package at work: pictures to the model's input, through shared lanes, through its head, to detections.

One detector serves every camera of the same shape of picture that uses the package. A camera hands in one picture at a
time, and lanes serve equal priorities in order of arrival, so cameras take turns.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.edge.config import VisionSettings
from eyespot.infer.lanes import Lanes, Runs
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import Outputs, choices, open_session
from eyespot.kernel.errors import EyespotError
from eyespot.media.decode import Frame, Pixels
from eyespot.vision.heads.nanodet import Candidates
from eyespot.vision.heads.registry import find_head

FLOOR_SCORE = 0.2
"""Weak detections carry on objects that are already followed; new ones need more. The tracker looks at none below."""
MAX_WAITING = 256
SCALES = (1.0, 0.75, 0.5)
"""Parts of the usual input size at which a model may run when the machine is short of time."""

Region = tuple[float, float, float, float]


class Reason(Protocol):
    """Why something runs where it does."""

    @property
    def reason(self) -> str: ...


class OneSession(Runs, Protocol):
    """A session, here or in the inference process."""

    @property
    def choice(self) -> Reason: ...


class Billed(Protocol):
    """A session elsewhere, with accounts."""

    def run(self, image: Pixels, *, borrow: bool = False, client: str | None = None) -> Outputs:
        """As ``RemoteSession.run``."""
        ...


OpenOne = Callable[[ModelPackage, tuple[int, int] | None], OneSession]
"""Opens a package at a size (height, width; None: as declared), in the lane's thread."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the head must know of a picture, and whose turn it is: a higher priority goes first, ``payer``'s share pays
    where models run in a process of their own (None: the cameras' common one).
    """

    capture_ns: int
    aspect: float
    wanted: NDArray[np.bool_] | None = None
    region: Region | None = None
    priority: int = 0
    payer: str | None = None


class Detector:
    """Finds objects in pictures of one shape with one model package.

    Args:
        aspect: width by height of the pictures; the model runs at the size that fits it.
        lanes: sessions side by side.
        run: as ``Lanes``.
        scale: of that size, where the whole is too much for the machine.
    """

    def __init__(
        self,
        package: ModelPackage,
        aspect: float,
        *,
        lanes: int,
        open_one: Callable[[tuple[int, int]], OneSession],
        run: Callable[[Any, Pixels, Asked], Outputs] | None = None,
        scale: float = 1.0,
    ) -> None:
        document = package.document
        self.labels = document.labels
        self.input_px = document.input.fit(aspect, scale)
        self.reason = ""
        self._order = document.input.order
        self._head = find_head(document.head)
        self._open_one = open_one
        self._lanes: Lanes[Candidates] = Lanes(self._open, lanes, run=run, finish=self._pick, max_waiting=MAX_WAITING)

    @property
    def waiting(self) -> int:
        """Pictures that no lane has taken yet."""
        return self._lanes.waiting

    @property
    def cost_ms(self) -> float | None:
        """What a run of late takes, see ``Lanes.cost_ms``."""
        return self._lanes.cost_ms

    def image(self, frame: Frame, region: Region | None = None) -> Pixels:
        """The model's input made from the whole picture or from ``region`` of it: ``(H, W, 3)`` uint8."""
        height_px, width_px = self.input_px
        if region is not None:
            return frame.crop(region, width_px, height_px, order=self._order)
        if self._order == "rgb":
            return frame.rgb(width_px, height_px)
        return frame.bgr(width_px, height_px)

    def submit(self, image: Pixels, asked: Asked) -> "Future[Candidates]":
        """Queue a picture whose result is for ``settle``; raises ``EXHAUSTED`` when too many wait."""
        return self._lanes.submit(image, asked, priority=asked.priority)

    def settle(self, pictures: Sequence[Candidates]) -> list[Detections]:
        """The objects in each of several pictures."""
        return self._head.settle(pictures)

    async def detect(self, image: Pixels, asked: Asked) -> Detections:
        """The objects in a picture; raises ``EXHAUSTED``, or what the runtime raised."""
        return self.settle([await asyncio.wrap_future(self.submit(image, asked))])[0]

    def wanted(self, labels: tuple[str, ...]) -> NDArray[np.bool_] | None:
        """Which of the model's labels are among ``labels``; None for all."""
        return np.array([label in labels for label in self.labels], bool) if labels else None

    def status(self) -> dict[str, Any]:
        """Counters, and which variant runs where and why."""
        stats = self._lanes.stats
        return {
            "submitted": stats.submitted, "refused": stats.refused, "failed": stats.failed,
            "waiting": self._lanes.waiting, "input_px": list(self.input_px), "choice": self.reason,
        }  # fmt: skip

    def close(self) -> None:
        """Finish what waits and give the model's memory back."""
        self._lanes.close()

    def _open(self) -> OneSession:
        session = self._open_one(self.input_px)
        self.reason = session.choice.reason
        return session

    def _pick(self, outputs: Outputs, asked: Asked) -> Candidates:
        """In the lane's thread."""
        return self._head.pick(
            outputs,
            labels=self.labels,
            score_threshold=FLOOR_SCORE,
            capture_ns=asked.capture_ns,
            aspect=asked.aspect,
            region=asked.region,
            input_px=self.input_px,
            wanted=asked.wanted,
        )


class Detectors:
    """The detectors of one process, made when first asked for. Thread-safe.

    Args:
        open_one: opens sessions elsewhere than in this process; None: here.
    """

    def __init__(self, folder: Path, settings: VisionSettings, open_one: OpenOne | None = None) -> None:
        self._folder = folder
        self._open_one = open_one
        self._settings = settings
        self._lock = threading.Lock()
        self._made: dict[tuple[str, tuple[int, int]], Detector] = {}
        self._packages: dict[str, ModelPackage] = {}
        self._told: dict[str, dict[tuple[str, tuple[int, int]], float]] = {}

    def get(self, name: str, aspect: float, step: int = 0) -> Detector:
        """The detector of package ``name`` for pictures of ``aspect``; raises when the package is missing or broken.

        Args:
            step: place in ``sizes``.
        """
        with self._lock:
            package = self._package(name)
            size = _sizes(package, aspect)[step]
            if (name, size) not in self._made:
                scale = next(each for each in SCALES if package.document.input.fit(aspect, each) == size)
                self._made[name, size] = make_detector(package, aspect, self._settings, self._open_one, scale)
            return self._made[name, size]

    def sizes(self, name: str, aspect: float) -> tuple[tuple[int, int], ...]:
        """Heights and widths at which package ``name`` may run for pictures of ``aspect``, the largest first."""
        with self._lock:
            return _sizes(self._package(name), aspect)

    def costs(self) -> dict[tuple[str, tuple[int, int]], float]:
        """Milliseconds of a run of late, by package and size, of those that ran."""
        made = dict(self._made)
        return {key: ms for key, detector in made.items() if (ms := detector.cost_ms) is not None}

    def told(self, name: str) -> dict[tuple[str, tuple[int, int]], float]:
        """What package ``name`` itself says of the variant that would be chosen; empty where it says nothing."""
        with self._lock:
            if name not in self._told:
                self._told[name] = _told(self._package(name), self._settings)
            return self._told[name]

    def _package(self, name: str) -> ModelPackage:
        if name not in self._packages:
            self._packages[name] = ModelPackage.load(self._folder / name)
        return self._packages[name]

    def status(self) -> dict[str, Any]:
        """Report by package and size."""
        return {f"{name} {size[1]}x{size[0]}": detector.status() for (name, size), detector in self._made.items()}

    def close(self) -> None:
        """Close all."""
        for detector in self._made.values():
            detector.close()


def make_detector(
    package: ModelPackage,
    aspect: float,
    settings: VisionSettings,
    open_elsewhere: OpenOne | None = None,
    scale: float = 1.0,
) -> Detector:
    """A detector as the host's settings want it; sessions open in the lanes' own threads."""

    def open_one(size_px: tuple[int, int]) -> OneSession:
        wanted_px = size_px if package.document.input.multiple_px else None
        if open_elsewhere is not None:
            return open_elsewhere(package, wanted_px)
        return open_session(
            package,
            variant=settings.variant or None,
            accelerator=settings.accelerator or None,
            threads=settings.threads,
            size_px=wanted_px,
        )

    run = _run_billed if open_elsewhere is not None else None
    return Detector(package, aspect, lanes=settings.lanes, open_one=open_one, run=run, scale=scale)


def _run_billed(session: Billed, image: Pixels, asked: Asked) -> Outputs:
    """On the account of whose picture it is."""
    return session.run(image, borrow=True, client=asked.payer)


def _sizes(package: ModelPackage, aspect: float) -> tuple[tuple[int, int], ...]:
    return tuple(dict.fromkeys(package.document.input.fit(aspect, scale) for scale in SCALES))


def _told(package: ModelPackage, settings: VisionSettings) -> dict[tuple[str, tuple[int, int]], float]:
    try:
        best = choices(package, variant=settings.variant or None, accelerator=settings.accelerator or None)[0]
    except EyespotError:
        return {}  # nothing runs it here: its camera says so
    return {
        (package.folder.name, (row.height_px, row.width_px)): row.ms
        for row in best.variant.latency
        if row.accelerator == best.accelerator.name and row.threads == settings.threads
    }


def account_of(camera: str) -> str:
    """Name of a camera's account in the inference process."""
    return f"camera.{camera}"
