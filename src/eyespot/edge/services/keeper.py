"""Makes what runs what the store says: looks once a second, starts, stops, replaces and configures.

Owns no state of its own that matters: killed at any moment, the next one finds everything in the store.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.contracts.event import Event
from eyespot.contracts.service_bus import MAX_DOCUMENT_BYTES, Beat
from eyespot.contracts.status import StatusMessage
from eyespot.edge.layout import HOST
from eyespot.edge.pause import first_of
from eyespot.edge.services.desk import Desk
from eyespot.edge.services.engines.log_tail import TAIL_LINES
from eyespot.edge.services.kept import Kept
from eyespot.edge.services.leftovers import clear_leftovers
from eyespot.edge.services.log_file import LogFile
from eyespot.edge.services.service_events import May
from eyespot.edge.services.store import Row
from eyespot.kernel.errors import EyespotError
from eyespot.kernel.ids import is_slug, new_id

log = logging.getLogger(__name__)

LOOK_S = 1.0


class Keeper:
    """A service of the process.

    Args:
        submit: takes an event to be stored and published; never waits.
    """

    name = "keeper"

    def __init__(self, desk: Desk, submit: Callable[[Event], None]) -> None:
        self._desk = desk
        self._submit = submit
        self._kept: dict[str, Kept] = {}
        self._told: set[str] = set()
        self._forbidden = desk.forbidden()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep until ``stop``; then everything is ended."""
        heard = self._desk.bus.subscribe(subjects.service_beat(subjects.EVERY))
        seen = self._desk.bus.subscribe(subjects.status("frames"))
        listening = [asyncio.create_task(self._listen(heard)), asyncio.create_task(self._listen_to_frames(seen))]
        await asyncio.to_thread(clear_leftovers, self._desk.layout)
        await asyncio.to_thread(self._desk.installed.sweep)
        try:
            while not stop.is_set():
                try:
                    await self.reconcile()
                except EyespotError as error:
                    log.error("%s", error)
                await first_of(stop, self._desk.clock, LOOK_S)
        finally:
            await asyncio.gather(heard.close(), seen.close())
            await asyncio.gather(*listening)
            await asyncio.gather(*(kept.stop() for kept in self._kept.values()))
            await asyncio.to_thread(self._desk.installed.sweep)  # the last one may have been removed

    async def reconcile(self) -> None:
        """One look at the store."""
        rows = {row.name: row for row in await asyncio.to_thread(self._desk.installed.store.rows) if row.enabled}
        for name, kept in self._kept.items():
            row = rows.get(name)
            if row is not None and row != kept.row and _same_but_settings(row, kept.row):
                await kept.configure(row)
        before, self._forbidden = self._forbidden, self._desk.forbidden()
        ended = {
            name: kept
            for name, kept in self._kept.items()
            if rows.get(name) != kept.row or kept.is_touched_by(before, self._forbidden)
        }
        await asyncio.gather(*(kept.stop() for kept in ended.values()))
        for name in ended:
            del self._kept[name]
            self._told.discard(name)
        if ended:
            await asyncio.to_thread(self._desk.installed.sweep)
        for name, row in rows.items():
            if name not in self._kept:
                self._kept[name] = Kept(row, self._desk)
        self._tell_failures()

    def kept(self, name: str) -> Kept | None:
        """One service that should run."""
        return self._kept.get(name)

    def allowed(self, name: str) -> May | None:
        """See ``Kept.allowed``; None when there is none of that name."""
        kept = self._kept.get(name)
        return None if kept is None else kept.allowed()

    def outputs(self, name: str) -> tuple[str, ...] | None:
        """See ``Kept.outputs``; None when there is none of that name."""
        kept = self._kept.get(name)
        return None if kept is None else kept.outputs()

    def zone_cameras(self) -> set[str]:
        """Cameras whose zones some service is told."""
        return {camera for kept in self._kept.values() for camera in kept.zone_cameras()}

    def logs(self, name: str) -> list[str]:
        """The newest lines of one service's output; of one that is not kept, what is on disk."""
        kept = self._kept.get(name)
        if kept is not None:
            return kept.logs()
        return LogFile(self._desk.layout.service_logs_dir, name).lines(TAIL_LINES) if is_slug(name) else []

    def status(self) -> dict[str, Any]:
        return {name: kept.status() for name, kept in sorted(self._kept.items())}

    async def _listen(self, heard: Any) -> None:
        async for message in heard:
            kept = self._kept.get(subjects.service_of(message.subject))
            if kept is None or len(message.data) > MAX_DOCUMENT_BYTES:
                continue
            try:
                kept.heard(Beat.model_validate_json(message.data))
            except ValidationError:
                log.debug("a beat of %s does not parse", kept.row.name)

    async def _listen_to_frames(self, seen: Any) -> None:
        """How many frames were offered to whom; from a process of ours, so only what is missing is looked out for."""
        async for message in seen:
            try:
                doors = StatusMessage.model_validate_json(message.data).totals.get("services", {})
            except ValidationError:
                log.warning("a status report of the frames process does not parse")
                continue
            for name, kept in self._kept.items():
                kept.at_frames(doors.get(name, {}))

    def _tell_failures(self) -> None:
        """An event for each that has failed for good, once."""
        for name, kept in self._kept.items():
            if kept.failed_why and name not in self._told:
                self._told.add(name)
                self._submit(_failure(name, kept.failed_why, self._desk.clock.wall_ns()))


def _failure(name: str, why: str, now_ns: int) -> Event:
    return Event(
        id=new_id(now_ns), camera=HOST, kind="process", label=name, start_wall_ns=now_ns, end_wall_ns=now_ns,
        detail={"text": why},
    )  # fmt: skip


def _same_but_settings(one: Row, other: Row) -> bool:
    return _apart_from_settings(one) == _apart_from_settings(other)


def _apart_from_settings(row: Row) -> Row:
    return replace(row, settings=None, before=None, former=None)
