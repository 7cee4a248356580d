"""Of a test that failed: a clip and a picture of each thing that differs, cut from the footage once more."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.contracts.track import TracksMessage
from eyespot.edge.apps_dev.expectations import Verdict
from eyespot.edge.apps_dev.player import Outcome
from eyespot.edge.config import CameraSettings
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.kernel.clock import Clock, from_seconds, seconds
from eyespot.media.decode import Decoder, Frame
from eyespot.media.remux import write_mp4
from eyespot.media.still import jpeg_of

MAX_KEPT = 10
"""Differences of one test that are kept; the report lists all."""
BEFORE_S, AFTER_S, MAX_S = 2.0, 3.0, 30.0
MAX_JPEG_BYTES = 1 << 20
LINE_PX = 2
TRACK_COLOUR, EVENT_COLOUR = (64, 220, 64), (255, 48, 48)
Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Difference:
    """Something to keep.

    Attributes:
        name: of its files.
        from_s, to_s: of the footage.
        at_s: of the picture.
        box: of the event, ``x1 y1 x2 y2`` in fractions; None when it has none.
    """

    name: str
    from_s: float
    to_s: float
    at_s: float
    box: Box | None = None
    packets: list[Packet] = field(default_factory=list)


def differences(verdict: Verdict, end_s: float) -> list[Difference]:
    """What of ``verdict`` is kept; ``end_s`` is where the footage ended."""
    found = []
    for missing in verdict.missing:
        wanted = missing.expected
        to_s = max(wanted.from_s, min(wanted.last_s, end_s, wanted.from_s + MAX_S))
        found.append(Difference(f"missing-{wanted.kind}", wanted.from_s, to_s, (wanted.from_s + to_s) / 2))
    for one in verdict.unexpected:
        at_s = one.at_s
        box = one.event.best_box
        found.append(Difference(f"unexpected-{one.kind}", max(0.0, at_s - BEFORE_S), at_s + AFTER_S, at_s, box))
    return [
        replace(one, name=f"{number:02d}-{one.name}-{one.at_s:.1f}s") for number, one in enumerate(found[:MAX_KEPT], 1)
    ]


async def keep_evidence(
    into: Path, wanted: Sequence[Difference], outcome: Outcome, camera: CameraSettings, clock: Clock
) -> None:
    """Write ``<name>.mp4`` and ``<name>.jpg`` of each of ``wanted`` to the folder ``into``, which is made."""
    into.mkdir(parents=True, exist_ok=True)
    last_s = max((one.to_s for one in wanted), default=0.0)
    stream: StreamFormat | None = None
    zero_ns: int | None = None
    since_key: list[Packet] = []
    sensor = open_sensor(camera.stream[0].source, camera.stream[0], clock)
    async with aclosing(cast(Any, sensor.units())) as units:
        async for unit in units:
            if isinstance(unit, StreamFormat):
                stream = stream or unit
                continue
            if unit.track != "video":
                continue
            zero_ns = unit.decode_ns if zero_ns is None else zero_ns
            at_s = seconds(unit.decode_ns - zero_ns)
            if at_s > last_s:
                break
            since_key = [unit] if unit.is_key else [*since_key, unit]
            for one in wanted:
                if one.from_s <= at_s <= one.to_s:
                    one.packets += [unit] if one.packets else since_key
    if stream is not None and zero_ns is not None:
        for one in wanted:
            if one.packets:
                await asyncio.to_thread(_write, into, one, stream, outcome, zero_ns)


def _write(into: Path, one: Difference, stream: StreamFormat, outcome: Outcome, zero_ns: int) -> None:
    video = replace(stream, audio=None)
    write_mp4(video, one.packets, into / f"{one.name}.mp4")
    frame = _frame_at(video, one.packets, zero_ns + from_seconds(one.at_s))
    if frame is not None:
        pixels = frame.rgb(frame.width_px, frame.height_px)
        moment_ns = outcome.zero_wall_ns + frame.capture_ns - zero_ns
        for box in _boxes(outcome.tracks, moment_ns):
            draw_box(pixels, box, TRACK_COLOUR)
        if one.box is not None:
            draw_box(pixels, one.box, EVENT_COLOUR)
        (into / f"{one.name}.jpg").write_bytes(jpeg_of(pixels, "rgb24", MAX_JPEG_BYTES))


def _frame_at(stream: StreamFormat, packets: Sequence[Packet], at_ns: int) -> Frame | None:
    """The newest picture that is not after ``at_ns``, else the first."""
    decoder = Decoder(stream.video)
    found: Frame | None = None
    for packet in packets:
        for frame in decoder.decode(packet):
            if found is not None and frame.capture_ns > at_ns:
                return found
            found = frame
    return found


def _boxes(tracks: Sequence[TracksMessage], moment_wall_ns: int) -> list[Box]:
    """Where the objects were at a moment, as far as it was known then."""
    known = [message for message in tracks if message.wall_ns <= moment_wall_ns]
    return [track.box for track in known[-1].tracks] if known else []


def draw_box(pixels: NDArray[np.uint8], box: Box, colour: tuple[int, int, int]) -> None:
    """Draw the outline of ``box`` (fractions) into ``pixels``, ``(height, width, 3)`` uint8."""
    height, width = pixels.shape[:2]
    x1, x2 = (int(np.clip(x, 0, 1) * (width - 1)) for x in (box[0], box[2]))
    y1, y2 = (int(np.clip(y, 0, 1) * (height - 1)) for y in (box[1], box[3]))
    for y in (y1, y2):
        pixels[max(0, y - LINE_PX // 2) : y + LINE_PX, x1 : x2 + 1] = colour
    for x in (x1, x2):
        pixels[y1 : y2 + 1, max(0, x - LINE_PX // 2) : x + LINE_PX] = colour
