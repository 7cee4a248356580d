"""Plays footage to a service on a stage, one packet at a time, each when everybody is done with the one before."""

from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from eyespot.contracts.event import Event
from eyespot.contracts.packet import StreamFormat, Unit
from eyespot.contracts.track import TracksMessage
from eyespot.edge.apps_dev.expectations import Case
from eyespot.edge.apps_dev.stage import Stage
from eyespot.edge.apps_dev.tape import Tape
from eyespot.edge.apps_dev.witness import Witness
from eyespot.edge.config import CameraSettings, VisionSettings
from eyespot.edge.detector import Detectors
from eyespot.edge.events.writer import EventWriter
from eyespot.edge.running import Running
from eyespot.edge.services.kept import Kept
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.kernel.clock import Clock, from_seconds, seconds
from eyespot.kernel.errors import unavailable

LOOK_S = 0.001
JOIN_S = 5.0
"""How long a service that runs may take to ask for its views."""
DEAF_S = 1.0
"""A service that was not sent what was published within so long does not listen to it."""
PATIENCE_S = 60.0
"""How long one packet may keep everybody busy."""
CALM_LOOKS = 3
BEAT_S, LAST_WORDS_S = 3.0, 0.5


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        zero_wall_ns: the footage's first moment.
        footage_s: how much was played.
        events: newest state of each event of the service.
        tracks: what it could have heard.
        troubles: what went wrong beside the events, in words.
        logs: the newest lines of its output.
    """

    zero_wall_ns: int = 0
    footage_s: float = 0.0
    took_s: float = 0.0
    events: Sequence[Event] = ()
    tracks: Sequence[TracksMessage] = ()
    troubles: list[str] = field(default_factory=list)
    logs: Sequence[str] = ()


@asynccontextmanager
async def seeing(
    camera: CameraSettings, shared: Shared, media_dir: Path, clock: Clock
) -> AsyncIterator[VisionCamera | None]:
    """Vision for ``camera`` as a host has it, where its settings want it."""
    if not camera.detect.enabled:
        yield None
        return
    vision = VisionCamera(camera, shared, media_dir)
    running = Running(vision, clock)
    try:
        yield vision
    finally:
        await running.stop()


def shared_by(
    tape: Tape, bus: Witness, clock: Clock, workers: ThreadPoolExecutor, models: Path, events: EventWriter
) -> Shared:
    """What vision uses, with models run in this process."""
    return Shared(tape, bus, clock, workers, Detectors(models, VisionSettings()), events.submit)


class Player:
    """Plays to ``kept`` on ``stage``.

    Args:
        vision: None when nobody needs tracks.
        events: flushed after each packet, so that events come in step too.
    """

    def __init__(
        self, stage: Stage, tape: Tape, kept: Kept, witness: Witness, events: EventWriter, vision: VisionCamera | None,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._stage, self._tape, self._kept, self._witness = stage, tape, kept, witness
        self._events, self._vision, self._clock = events, vision, clock
        self._is_deaf = False

    async def until_joined(self, views: int) -> None:
        """Wait for vision, and for the service to ask for its views, though not for ever."""
        end_ns = self._clock.monotonic_ns() + from_seconds(JOIN_S)
        while self._vision is not None and "vision" not in self._tape.readers:
            await self._clock.sleep(LOOK_S)
        while self._reading < views and self._clock.monotonic_ns() < end_ns:
            await self._clock.sleep(LOOK_S)
        while self._reading and "frames" not in self._tape.readers:
            await self._clock.sleep(LOOK_S)
        await self._until_calm()

    async def play(self, source: str, camera: CameraSettings, case: Case, progress: Callable[[float], None]) -> Outcome:
        """The footage from its beginning to its end, or as much of it as ``case`` wants."""
        outcome = Outcome()
        zero_ns: int | None = None
        sensor = open_sensor(source, camera.stream[0], self._clock)
        async with aclosing(cast(Any, sensor.units())) as units:
            async for unit in units:
                if isinstance(unit, StreamFormat):
                    outcome.zero_wall_ns = outcome.zero_wall_ns or unit.wall_offset_ns
                    await self._offer(unit)
                    continue
                if zero_ns is None:
                    zero_ns = unit.decode_ns
                    outcome.zero_wall_ns += zero_ns
                at_s = seconds(unit.decode_ns - zero_ns)
                if at_s >= case.from_s + case.seconds:
                    break
                if at_s >= case.from_s and unit.track == "video" and (unit.is_key or outcome.footage_s):
                    await self._offer(unit)
                    outcome.footage_s = max(1e-9, at_s - case.from_s)
                    progress(outcome.footage_s)
        return outcome

    async def conclude(self, outcome: Outcome) -> None:
        """Hear the service out, end it, and note what went wrong."""
        name = self._kept.row.name
        await self._events.flush()
        await self._until_calm()
        await self._wait_for_beat()
        errors = (self._kept.status()["beat"] or {}).get("errors", 0)
        await self._kept.stop()
        await self._clock.sleep(LAST_WORDS_S)
        outcome.logs = self._kept.logs()
        refused = self._stage.found.of(name)
        if errors:
            outcome.troubles.append(f"its handlers failed {errors} times, see its output")
        if refused["events_refused"]:
            outcome.troubles.append(f"it said {refused['last_refused']}")

    @property
    def _reading(self) -> int:
        """How many views the service reads."""
        said = self._stage.frames.status()["services"].get(self._kept.row.name, {})
        return len(said.get("reading", ()))

    @property
    def _cut(self) -> int:
        return sum(self._stage.frames.status()["views"].values())

    async def _offer(self, unit: Unit) -> None:
        delivered, said, cut = self._kept.delivered, self._witness.said, self._cut
        self._tape.offer(unit)
        await self._until(lambda: not (self._tape.untaken or self._is_seeing or self._stage.frames.busy))
        if self._vision is not None and self._vision.error:
            raise unavailable(f"Nothing can be seen in the footage: {self._vision.error}")
        await self._events.flush()
        said = self._witness.said - said
        if said:
            await self._until_heard(delivered + said)
        if said or self._cut != cut:
            await self._until_calm()

    @property
    def _is_seeing(self) -> bool:
        return self._vision is not None and self._vision.busy

    async def _until_heard(self, delivered: int) -> None:
        """What went to the bus is on its way to the service; how long that takes nobody can tell, so it is counted."""
        end_ns = self._clock.monotonic_ns() + from_seconds(DEAF_S)
        while self._kept.delivered < delivered and not self._is_deaf:
            await self._clock.sleep(LOOK_S)
            self._is_deaf = self._clock.monotonic_ns() > end_ns
        self._is_deaf = self._kept.delivered < delivered

    async def _until_calm(self) -> None:
        """Until the service sleeps, some looks in a row: it may have been between two reads."""
        calm = 0

        def is_calm() -> bool:
            nonlocal calm
            calm = calm + 1 if self._kept.is_idle and not self._stage.frames.busy else 0
            return calm >= CALM_LOOKS

        await self._until(is_calm)

    async def _until(self, done: Callable[[], bool]) -> None:
        end_ns = self._clock.monotonic_ns() + from_seconds(PATIENCE_S)
        while not done():
            if self._kept.state != "running":
                last = " / ".join(self._kept.logs()[-3:])
                raise unavailable(f"The service ended: {self._kept.why or self._kept.state}.", last)
            if self._clock.monotonic_ns() > end_ns:
                raise unavailable(
                    f"The service was busy for {PATIENCE_S:.0f} s with one picture.",
                    "Look at its budget, and its code.",
                )
            await self._clock.sleep(LOOK_S)

    async def _wait_for_beat(self) -> None:
        """The next word of its own on how it does."""
        before = self._kept.status()["beat"]
        end_ns = self._clock.monotonic_ns() + from_seconds(BEAT_S)
        while self._kept.status()["beat"] == before and self._clock.monotonic_ns() < end_ns:
            await self._clock.sleep(LAST_WORDS_S / 10)
