"""Everything of the frames process: brings doors, cuts and feeds in line with the grants and with who reads.

A ring is made when its view is first asked for and kept while somebody is granted it. When a service loses a view that
it ever had the descriptor of, the ring is ended and made anew for the others, because a mapping cannot be taken back.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.frames_door import Grant, Grants
from eyespot.contracts.ring import layout_of
from eyespot.contracts.track import TracksMessage
from eyespot.contracts.view import NamedView, View
from eyespot.contracts.view_sample import SampleRequest
from eyespot.edge.frames.cut import Cut
from eyespot.edge.frames.door import Door, tick_text
from eyespot.edge.frames.feed import StreamFeed
from eyespot.edge.frames.sample import take_sample
from eyespot.edge.running import Running
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found
from eyespot.media.packet_socket import PacketClient
from eyespot.media.ring_writer import DEFAULT_SLOTS

log = logging.getLogger(__name__)

MAX_WORKERS = 4
MAX_TOTAL_BYTES = 512 << 20
"""Of all rings together."""
Stream = tuple[str, str]
"""Camera and stream."""


class FramesHost:
    """A service: what it hands out follows ``apply``.

    Args:
        seen: gives the stream of a camera in which objects are detected; None when there is no such camera.
    """

    name = "frames"

    def __init__(self, client: PacketClient, bus: Bus, clock: Clock, seen: Callable[[str], str | None]) -> None:
        self._client = client
        self._bus = bus
        self._clock = clock
        self._seen = seen
        self._workers = ThreadPoolExecutor(MAX_WORKERS, "frames")
        self._doors: dict[str, Door] = {}
        self._cuts: dict[View, Cut] = {}
        self._handed: dict[View, set[str]] = {}
        self._sampled: set[Cut] = set()
        self._feeds: dict[Stream, tuple[StreamFeed, Running]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._tracks: dict[str, TracksMessage] = {}
        self._grants = Grants()
        self._loop = asyncio.get_running_loop()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the tracks until ``stop``, then end everything."""
        listening = asyncio.create_task(self._listen())
        await stop.wait()
        listening.cancel()
        self.apply(Grants())
        await asyncio.gather(listening, *self._ending, return_exceptions=True)
        self._workers.shutdown()

    def apply(self, grants: Grants) -> None:
        """Open, change and close doors; a service whose grant is what it was notices nothing."""
        self._grants = grants
        for service, door in list(self._doors.items()):
            if grants.services.get(service) != door.grant:
                door.close()
                del self._doors[service]
        self._revoke(grants)
        for service, grant in grants.services.items():
            if service not in self._doors:
                self._open(service, grant)
        self._refresh()

    def look_again(self) -> None:
        """Called when cameras changed: a view may be of another stream now, or of none."""
        self.apply(self._grants)

    async def answer(self, request: bytes) -> bytes:
        """A ``SampleRequest`` → a ``ViewSample``; raises ``INVALID``, ``NOT_FOUND``, ``UNAVAILABLE``, ``EXHAUSTED``."""
        try:
            named = SampleRequest.model_validate_json(request).view
        except ValidationError as error:
            raise invalid(
                "The request does not parse.", 'Send {"v": 1, "view": {...}} of a definite camera.'
            ) from error
        view = self._found(named)
        self._need_room(view)
        return (await take_sample(view, self._clock, self._reading)).model_dump_json().encode()

    @property
    def busy(self) -> bool:
        """Something is being cut, or somebody has not read all that was handed out."""
        return any(feed.busy for feed, _ in self._feeds.values()) or any(door.unread for door in self._doors.values())

    def status(self) -> dict[str, Any]:
        """Counters of doors, cuts and feeds."""
        return {
            "services": {service: door.status() for service, door in self._doors.items()},
            "views": {
                f"{view.camera}/{view.stream} {view.form} {number}": cut.frames
                for number, (view, cut) in enumerate(self._cuts.items(), 1)
            },
            "ring_bytes": self._ring_bytes,
            "streams": {feed.name: feed.status() for feed, _ in self._feeds.values()},
        }

    @property
    def _ring_bytes(self) -> int:
        return sum(cut.ring.layout.total_bytes for cut in (*self._cuts.values(), *self._sampled))

    @contextmanager
    def _reading(self, cut: Cut) -> Iterator[None]:
        """``cut`` is fed inside, though nobody has it."""
        self._sampled.add(cut)
        self._refresh()
        try:
            yield
        finally:
            self._sampled.discard(cut)
            self._refresh()

    def _open(self, service: str, grant: Grant) -> None:
        door = Door(service, grant, self._cut_of, self._refresh_soon)
        try:
            door.open()
        except EyespotError as error:
            log.error("%s", error)
            return
        self._doors[service] = door

    def _revoke(self, grants: Grants) -> None:
        """End every cut that somebody had the descriptor of who may not see it any more."""
        for view, cut in list(self._cuts.items()):
            allowed = {service for service, grant in grants.services.items() if self._is_granted(grant, view)}
            if self._handed[view] <= allowed:
                continue
            for door in self._doors.values():
                door.hang_up(cut)
            del self._cuts[view], self._handed[view]
            cut.close()

    def _is_granted(self, grant: Grant, view: View) -> bool:
        return any(self._definite(named) == view for named in grant.views)

    def _definite(self, named: NamedView) -> View | None:
        """The view of a definite stream; None when there is no such camera."""
        stream = named.stream or self._seen(named.camera)
        return None if stream is None else named.of(named.camera, stream)

    def _found(self, named: NamedView) -> View:
        view = self._definite(named)
        if view is None:
            raise not_found(f"There is no camera {named.camera}.", "The owner can assign another one.")
        return view

    def _need_room(self, view: View) -> None:
        if self._ring_bytes + layout_of(view, DEFAULT_SLOTS).total_bytes > MAX_TOTAL_BYTES:
            raise EyespotError(
                Kind.EXHAUSTED,
                f"All views together would take more than {MAX_TOTAL_BYTES >> 20} MiB.",
                "Ask for a smaller view, or stop other services.",
            )

    def _cut_of(self, service: str, named: NamedView) -> Cut:
        view = self._found(named)
        cut = self._cuts.get(view)
        if cut is None:
            self._need_room(view)
            cut = self._cuts[view] = Cut(view, self._clock, self._announce)
            self._handed[view] = set()
        self._handed[view].add(service)
        self._refresh_soon()
        return cut

    def _announce(self, cut: Cut, seq: int) -> None:
        """From a worker thread."""
        self._loop.call_soon_threadsafe(self._tick, cut, seq)

    def _tick(self, cut: Cut, seq: int) -> None:
        text = tick_text(cut, seq)
        for door in self._doors.values():
            door.tick(cut, text)

    def _refresh_soon(self) -> None:
        self._loop.call_soon(self._refresh)

    def _refresh(self) -> None:
        """Feeds run for what is read now, and for nothing else."""
        read: dict[Stream, list[Cut]] = {}
        wanted = [cut for cut in self._cuts.values() if any(door.reads(cut) for door in self._doors.values())]
        for cut in (*wanted, *self._sampled):
            read.setdefault((cut.view.camera, cut.view.stream), []).append(cut)
        for stream in [one for one in self._feeds if one not in read]:
            feed, running = self._feeds.pop(stream)
            feed.cuts = ()
            task = asyncio.create_task(running.stop())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        for (camera, name), cuts in read.items():
            if (camera, name) not in self._feeds:
                feed = StreamFeed(camera, name, self._client, self._workers, partial(self._tracks.get, camera))
                self._feeds[camera, name] = feed, Running(feed, self._clock)
            self._feeds[camera, name][0].cuts = tuple(cuts)

    async def _listen(self) -> None:
        async for message in self._bus.subscribe(subjects.tracks(subjects.EVERY)):
            camera = subjects.last_part(message.subject)
            if not any(stream[0] == camera for stream in self._feeds):
                self._tracks.pop(camera, None)
                continue
            try:
                self._tracks[camera] = TracksMessage.model_validate_json(message.data)
            except ValidationError:
                log.warning("tracks on %s do not parse", message.subject)
