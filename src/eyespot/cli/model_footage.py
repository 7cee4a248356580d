"""Real frames for the zoo's quality gate, and the judge that compares what models find in them.

The gate itself is ``infer.zoo.gate``; this joins it with decoding and with the head, which ``infer`` must not know.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.contracts.packet import Packet
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.infer.zoo.build import Footage, Picture
from eyespot.infer.zoo.coco import COCO_LABELS
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.config import cache_dir
from eyespot.media.decode import Decoder
from eyespot.vision.heads.accuracy import ap50
from eyespot.vision.heads.registry import find_head

WIDTH_PX, HEIGHT_PX = 416, 320
EVERY = 12
CONFIDENT = 0.35
PERSON = 0


def sample_footage(clip: Path, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> Footage | None:
    """Every twelfth frame of the sample clip at that size, or None where there is none."""
    if not clip.exists():
        return None
    return Footage("PETS 2009 S2.L1 View 001 (sample clip)", asyncio.run(_frames(str(clip), width_px, height_px)))


async def _frames(source: str, width_px: int, height_px: int) -> list[Picture]:
    settings = SensorSettings(pace="fast", loop=False, cache_dir=cache_dir() / "footage")
    decoder: Decoder | None = None
    frames: list[Picture] = []
    count = 0
    async for unit in open_sensor(source, settings, SystemClock()).units():
        if not isinstance(unit, Packet):
            decoder = Decoder(unit.video)
            continue
        for frame in decoder.decode(unit) if decoder else ():
            if count % EVERY == 0:
                frames.append(frame.bgr(width_px, height_px))
            count += 1
    return frames


class PersonJudge:
    """Compares models by the people they find."""

    def detect(self, outputs: Sequence[NDArray[Any]], input_px: tuple[int, int]) -> Detections:
        options = {"labels": COCO_LABELS, "score_threshold": 0.05, "capture_ns": 0, "aspect": 4 / 3}
        return find_head("nanodet")(outputs, input_px=input_px, **options)

    def agreement(self, found: Sequence[Detections], reference: Sequence[Detections]) -> float:
        truth = [item.boxes[(item.scores >= CONFIDENT) & (item.labels == PERSON)] for item in reference]
        return ap50(found, [np.asarray(boxes, np.float32) for boxes in truth], label=PERSON)
