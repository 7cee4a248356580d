"""What is kept and what goes. ``plan`` decides and touches nothing; ``Retention`` does what was planned.

The rules, in the order in which they are applied:
1. Footage older than its promised days goes (``event_days`` when an event is in it).
2. A camera with more than its ``max_bytes`` loses footage.
3. A hot disk over its ``max_bytes`` or under its free-space floor, or with footage older than ``cold_after_hours``,
   sends footage to a cold disk that has room.
4. A disk that is still over its bytes or under its floor loses footage. The floor comes before every promise, and the
   step says so when a promise is broken.
Within a rule, footage that has used up most of its promised time goes first (``ranking``). Open segments never go.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError
from eyespot.record.ranking import most_expendable, promised_ns
from eyespot.record.segment import Segment
from eyespot.record.settings import RetentionSettings, RootSettings
from eyespot.record.storage import Storage

log = logging.getLogger(__name__)
Reason = Literal["age", "camera-bytes", "disk-bytes", "free-space"]
NS_PER_HOUR = 3_600_000_000_000
_AT_ONCE = 256
_MAX_ROUNDS = 1000
LOOK_EVERY_S = 2.0
"""How soon free space that is back is noticed."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a segment; ``broken_promise`` when it was to be kept longer."""

    segment: Segment
    reason: Reason
    broken_promise: bool


@dataclass(frozen=True, slots=True)
class Move:
    """Move a segment to another root."""

    segment: Segment
    root: str
    reason: Reason


Step = Delete | Move


@dataclass(frozen=True, slots=True)
class RootState:
    """A disk as it is now: settings and free bytes; ``free_bytes`` None for a disk that is not there."""

    settings: RootSettings
    free_bytes: int | None

    @property
    def name(self) -> str:
        """The path, as segments name it."""
        return str(self.settings.path)


@dataclass(slots=True)
class _Room:
    """Bytes of one disk as the plan goes on."""

    state: RootState
    used_bytes: int
    free_bytes: int

    def excess_bytes(self) -> tuple[int, Reason]:
        """How much has to go, and why; 0 or less when nothing."""
        floor = self.state.settings.min_free_bytes - self.free_bytes
        limit = self.state.settings.max_bytes
        over = self.used_bytes - limit if limit is not None else 0
        return (floor, "free-space") if floor >= over else (over, "disk-bytes")

    def fits(self, size_bytes: int) -> bool:
        """Whether a segment could be taken in without breaking a rule."""
        limit = self.state.settings.max_bytes
        return self.free_bytes - size_bytes >= self.state.settings.min_free_bytes and (
            limit is None or self.used_bytes + size_bytes <= limit
        )

    def take(self, size_bytes: int) -> None:
        """A segment comes (or goes, with a negative size)."""
        self.used_bytes += size_bytes
        self.free_bytes -= size_bytes


def plan(
    segments: Sequence[Segment],
    roots: Iterable[RootState],
    retention: Mapping[str, RetentionSettings],
    now_wall_ns: int,
    *,
    cold_after_hours: float = 24.0,
    stored_bytes: Mapping[tuple[str, str], int] | None = None,
) -> list[Step]:
    """The steps that bring the archive within its rules, in the order in which to take them.

    Args:
        segments: the archive, or the oldest part of it of every root, camera and class.
        roots: the disks.
        retention: by camera; others have the defaults.
        now_wall_ns: the moment ages are counted to.
        cold_after_hours: age at which footage leaves hot disks.
        stored_bytes: of the whole archive by root and camera; counted from ``segments`` when None.
    """
    if stored_bytes is None:
        counted: dict[tuple[str, str], int] = {}
        for segment in segments:
            place = (segment.root, segment.camera)
            counted[place] = counted.get(place, 0) + segment.size_bytes
        stored_bytes = counted
    return _Plan(segments, roots, retention, now_wall_ns, stored_bytes).make(cold_after_hours)


class _Plan:
    def __init__(
        self,
        segments: Sequence[Segment],
        roots: Iterable[RootState],
        retention: Mapping[str, RetentionSettings],
        now_wall_ns: int,
        stored_bytes: Mapping[tuple[str, str], int],
    ) -> None:
        self._stored_bytes = stored_bytes
        self._retention = retention
        self._now = now_wall_ns
        self._steps: list[Step] = []
        present = [state for state in roots if state.free_bytes is not None]
        used: dict[str, int] = {}
        for (root, _), size_bytes in stored_bytes.items():
            used[root] = used.get(root, 0) + size_bytes
        self._rooms = {state.name: _Room(state, used.get(state.name, 0), state.free_bytes or 0) for state in present}
        closed = [item for item in segments if item.state == "closed" and item.root in self._rooms]
        self._left = {item.id: item for item in most_expendable(closed, retention, now_wall_ns)}

    def make(self, cold_after_hours: float) -> list[Step]:
        for segment in list(self._left.values()):
            if self._age(segment) > promised_ns(segment, self._retention):
                self._delete(segment, "age")
        self._cameras()
        for room in self._rooms.values():
            if room.state.settings.tier == "hot":
                self._cool(room, cold_after_hours)
        for room in self._rooms.values():
            self._shrink(room)
        return self._steps

    def _cameras(self) -> None:
        totals: dict[str, int] = {}
        for (_, camera), size_bytes in self._stored_bytes.items():
            totals[camera] = totals.get(camera, 0) + size_bytes
        for step in self._steps:
            totals[step.segment.camera] -= step.segment.size_bytes
        for segment in list(self._left.values()):
            limit = (self._retention.get(segment.camera) or RetentionSettings()).max_bytes
            if limit is not None and totals[segment.camera] > limit:
                totals[segment.camera] -= segment.size_bytes
                self._delete(segment, "camera-bytes")

    def _cool(self, room: _Room, cold_after_hours: float) -> None:
        """Send a hot disk's oldest footage to cold disks."""
        cold = [other for other in self._rooms.values() if other.state.settings.tier == "cold"]
        if not cold:
            return
        mine = sorted(self._on(room), key=lambda segment: (segment.start_wall_ns, segment.id))
        for segment in mine:
            excess, reason = room.excess_bytes()
            old = self._age(segment) > cold_after_hours * NS_PER_HOUR
            if excess <= 0 and not old:
                break
            target = next((other for other in cold if other.fits(segment.size_bytes)), None)
            if target is None:
                break
            room.take(-segment.size_bytes)
            target.take(segment.size_bytes)
            del self._left[segment.id]
            self._steps.append(Move(segment, target.state.name, reason if excess > 0 else "age"))

    def _shrink(self, room: _Room) -> None:
        for segment in self._on(room):
            excess, reason = room.excess_bytes()
            if excess <= 0:
                return
            self._delete(segment, reason)

    def _on(self, room: _Room) -> list[Segment]:
        return [segment for segment in self._left.values() if segment.root == room.state.name]

    def _delete(self, segment: Segment, reason: Reason) -> None:
        del self._left[segment.id]
        self._rooms[segment.root].take(-segment.size_bytes)
        broken = self._age(segment) <= promised_ns(segment, self._retention)
        self._steps.append(Delete(segment, reason, broken))

    def _age(self, segment: Segment) -> int:
        return self._now - segment.start_wall_ns


class Retention:
    """Applies the rules every ``every_s`` seconds, on the disk thread; a ``Service``."""

    def __init__(
        self, storage: Storage, clock: Clock, *, cold_after_hours: float = 24.0, every_s: float = 60.0
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._cold_after_hours = cold_after_hours
        self._every_s = every_s
        self._counts: dict[str, int] = {"deleted": 0, "moved": 0, "broken_promises": 0, "failed": 0}
        self._reasons: dict[str, int] = {}

    name = "retention"

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the archive until ``stop`` is set."""
        while not stop.is_set():
            await asyncio.to_thread(self.apply)
            await self._rest(stop)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until the next round; meanwhile, disks that were short of space are watched for having it back."""
        halt = asyncio.ensure_future(stop.wait())
        for _ in range(max(1, round(self._every_s / LOOK_EVERY_S))):
            nap = asyncio.ensure_future(self._clock.sleep(min(self._every_s, LOOK_EVERY_S)))
            await asyncio.wait({nap, halt}, return_when=asyncio.FIRST_COMPLETED)
            nap.cancel()
            if stop.is_set():
                break
            if self._storage.short_of_space:
                await asyncio.to_thread(self._storage.look)
        halt.cancel()

    def status(self) -> dict[str, Any]:
        """Counters as JSON-ready values; ``reasons`` counts deletions by the rule that asked for them."""
        return {**self._counts, "reasons": dict(self._reasons)}

    def apply(self) -> list[Step]:
        """Plan and do until nothing is left to do; blocks on the disk. Returns the steps that were done."""
        done: list[Step] = []
        for _ in range(_MAX_ROUNDS):
            steps = self._round()
            done += steps
            if len(steps) < _AT_ONCE:
                break
        return done

    def _round(self) -> list[Step]:
        storage = self._storage
        states = [RootState(root, self._free_bytes(root)) for root in storage.roots]
        try:
            segments = storage.index.oldest_of_each(_AT_ONCE)
            stored_bytes = storage.index.bytes_by_camera()
        except EyespotError as error:
            log.error("retention cannot read the index: %s", error)
            return []
        now = self._clock.wall_ns()
        steps = plan(
            segments,
            states,
            storage.retention,
            now,
            cold_after_hours=self._cold_after_hours,
            stored_bytes=stored_bytes,
        )
        done = [step for step in steps if self._do(step)]
        try:
            storage.index.delete(step.segment.id for step in done if isinstance(step, Delete))
        except EyespotError as error:
            log.error("deleted segments stay in the index for now: %s", error)
        self._tell(states, done)
        return done

    def _do(self, step: Step) -> bool:
        try:
            if isinstance(step, Delete):
                self._storage.files.delete(step.segment.file)
                self._counts["deleted"] += 1
                self._counts["broken_promises"] += step.broken_promise
                self._reasons[step.reason] = self._reasons.get(step.reason, 0) + 1
            else:
                self._move(step)
                self._counts["moved"] += 1
        except (OSError, EyespotError) as error:
            log.error("retention could not %s %s: %s", type(step).__name__.lower(), step.segment.path, error)
            self._counts["failed"] += 1
            return False
        return True

    def _move(self, step: Move) -> None:
        """Copy and sync, then the index, then the old file goes: at every moment the row names a whole file."""
        segment = step.segment
        target = Path(step.root) / segment.path
        self._storage.files.copy(segment.file, target)
        self._storage.index.move(segment.id, step.root)
        self._storage.files.delete(segment.file)

    def _free_bytes(self, root: RootSettings) -> int | None:
        try:
            return self._storage.files.free_bytes(root.path)
        except OSError:
            return None

    def _tell(self, states: list[RootState], done: list[Step]) -> None:
        broken: dict[str, set[Reason]] = {}
        for step in done:
            if isinstance(step, Delete) and step.broken_promise:
                broken.setdefault(step.segment.root, set()).add(step.reason)
        for state in states:
            if state.free_bytes is None:
                continue
            if state.name in broken:
                text = f"{state.name} is too small: footage was deleted before its promised days to keep space free."
                self._storage.trouble("full", state.name, text, for_space=broken[state.name] == {"free-space"})
            elif (free := self._free_bytes(state.settings)) is not None and free >= state.settings.min_free_bytes:
                self._storage.well(state.name)
