"""A model package at work: pictures to the model's input, through the shared lanes, through its head, to detections.

One detector serves every camera that uses the package. Cameras hand in one picture at a time each, and lanes serve in
order of arrival, so cameras take turns.
"""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.contracts.detections import Detections
from eyespot.edge.config import VisionSettings
from eyespot.edge.config_parts import DetectSettings
from eyespot.media.decode import Frame, Pixels
from eyespot.vision.heads.registry import find_head

FLOOR_SCORE = 0.1
"""Weak detections carry on objects that are already followed; new ones need more."""


class Detector:
    """Finds objects in pictures with one model package.

    Args:
        package: an ``infer.package.ModelPackage``.
        lanes: ``infer.lanes.Lanes`` over sessions of it.
    """

    def __init__(self, package: Any, lanes: Any) -> None:
        self.labels: tuple[str, ...] = tuple(package.labels)
        self._lanes = lanes
        self._head = find_head(package.head)
        self._width_px, self._height_px = package.input_width_px, package.input_height_px

    def image(self, frame: Frame) -> Pixels:
        """The model's input made from the whole picture: ``(H, W, 3)`` uint8."""
        return frame.rgb(self._width_px, self._height_px)

    async def detect(self, image: Pixels, frame: Frame, settings: DetectSettings) -> Detections:
        """Objects of the wanted labels in ``frame``, whose ``image`` this is."""
        outputs = await asyncio.wrap_future(self._lanes.submit(image))
        return self.read(outputs, frame, settings.labels)

    def read(self, outputs: Any, frame: Frame, wanted: tuple[str, ...]) -> Detections:
        """The model's answer for ``frame`` as detections of the ``wanted`` labels (empty: all)."""
        found = self._head(
            outputs,
            labels=self.labels,
            score_threshold=FLOOR_SCORE,
            capture_ns=frame.capture_ns,
            aspect=frame.width_px / frame.height_px,
            input_px=(self._height_px, self._width_px),
        )
        return only(found, self.labels, wanted)

    def status(self) -> dict[str, Any]:
        """What the lanes say of themselves."""
        status: dict[str, Any] = self._lanes.status()
        return status

    def close(self) -> None:
        """Give the model's memory back."""
        self._lanes.close()


def only(found: Detections, labels: tuple[str, ...], wanted: tuple[str, ...]) -> Detections:
    """``found`` without labels that are not ``wanted`` (empty: all are)."""
    if not wanted or not len(found):
        return found
    kinds = np.array([index for index, label in enumerate(labels) if label in wanted], np.int32)
    keep = np.isin(found.labels, kinds)
    if keep.all():
        return found
    return Detections(found.capture_ns, found.boxes[keep], found.scores[keep], found.labels[keep], found.aspect)


def open_detector(folder: Path, settings: VisionSettings) -> Detector:
    """Load the package in ``folder`` and its lanes; blocks for a second or more.

    Raises ``EyespotError`` when the package is missing or broken, or no accelerator runs it.
    """
    from eyespot.infer.lanes import Lanes
    from eyespot.infer.package import ModelPackage
    from eyespot.infer.session import open_session

    package = ModelPackage.load(folder)

    def session() -> Any:
        return open_session(
            package,
            variant=settings.variant or None,
            accelerator=settings.accelerator or None,
            threads=settings.threads,
        )

    return Detector(package, Lanes(session, settings.lanes))
