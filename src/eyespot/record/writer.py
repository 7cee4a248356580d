"""The recorder of one camera stream: packets from the hub become segments on disk.

Owns when to record (mode, events, pre- and post-roll) and the mapping to wall time. Where to cut is ``cutter``, how to
write is ``segment_file``. Never blocks the event loop; when the disk lags, packets wait in the hub reader's own bound.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.kernel.clock import NS_PER_S, Clock, from_seconds
from eyespot.kernel.errors import EyespotError
from eyespot.media.fmp4 import init_segment, mime_type
from eyespot.media.hub import Reader
from eyespot.record.cutter import SegmentCutter
from eyespot.record.preroll import PrerollRing
from eyespot.record.segment import Note, Segment
from eyespot.record.segment_file import SegmentFile
from eyespot.record.settings import RecordSettings
from eyespot.record.storage import Storage

log = logging.getLogger(__name__)

READER_BYTES = 48 << 20
"""What a recorder's hub reader should be given: about a minute of slack for a disk that stalls."""
MAX_ACTIVE_EVENTS = 4096
_POLL_S = 0.25
_IDLE_S = 1.0
_BATCH_BYTES = 8 << 20
_STALL_FLUSH_NS = 2 * NS_PER_S
_JUMP_NS = 1 * NS_PER_S
_RETRY_S = 0.05


class SegmentWriter:
    """Records one stream; a ``Service``.

    Args:
        camera, stream: whose footage it is.
        reader: the hub's reader; closed when the service ends.
        settings: what to record and how to cut.
        storage: disks and index, shared by all writers of the process.
        clock: for events and wall time.
        poll_s: packets are taken in batches this far apart, which is much cheaper than one by one. 0 takes them as
            they come.
    """

    def __init__(
        self,
        camera: str,
        stream: str,
        reader: Reader,
        settings: RecordSettings,
        storage: Storage,
        clock: Clock,
        *,
        poll_s: float = _POLL_S,
    ) -> None:
        self.camera = camera
        self.stream = stream
        self._reader = reader
        self._settings = settings
        self._storage = storage
        self._clock = clock
        self._poll_s = poll_s
        self._cutter = SegmentCutter(self, segment_s=settings.segment_s, fragment_s=settings.fragment_s)
        self._ring = PrerollRing(from_seconds(settings.preroll_s), settings.preroll_max_bytes)
        self._mapping_ns: int | None = None
        self._file: SegmentFile | None = None
        self._has_event = False
        self._events: set[str] = set()
        self._keep_until_ns = 0
        self._work: list[tuple[Callable[[], None], int]] = []
        self._last_packet_ns = 0
        self._segments = 0
        self._fragments = 0
        self._bytes = 0
        self._lost_fragments = 0
        self._disk_waits = 0

    @property
    def name(self) -> str:
        """``record <camera>/<stream>``."""
        return f"record {self.camera}/{self.stream}"

    async def run(self, stop: asyncio.Event) -> None:
        """Record until ``stop`` is set or the hub closes; what is pending is written."""
        try:
            while not stop.is_set() and not self._reader.ended:
                await self._turn()
        finally:
            self._cutter.close()
            self._reader.close()
            for job, size_bytes in self._work:
                self._storage.disk.submit(job, size_bytes)

    def set_event_active(self, event_id: str, active: bool) -> None:
        """An event of this camera has started or ended. Footage around it is recorded and kept longer."""
        now = self._clock.monotonic_ns()
        if active and len(self._events) < MAX_ACTIVE_EVENTS:
            if not self._events:
                self._mark_event(now)
            self._events.add(event_id)
        elif not active and event_id in self._events:
            self._events.discard(event_id)
            self._keep_until_ns = max(self._keep_until_ns, now + from_seconds(self._settings.postroll_s))

    def clear_events(self) -> None:
        """Who finds events has restarted: those it knew will not be ended any more."""
        for event_id in tuple(self._events):
            self.set_event_active(event_id, False)

    def status(self) -> dict[str, Any]:
        """State and counters as JSON-ready values; ``bytes`` and ``segments`` since the service was made."""
        lost = self._lost_fragments + (self._file.lost_fragments if self._file else 0)
        return {
            "mode": self._settings.mode,
            "state": self._state(),
            "segments": self._segments,
            "fragments": self._fragments,
            "bytes": self._bytes,
            "lost_fragments": lost,
            "lost_packets": self._reader.stats()["dropped"],
            "disk_waits": self._disk_waits,
            "events_active": len(self._events),
            "preroll_bytes": self._ring.size_bytes,
        }

    def begin(self, stream: StreamFormat, first: Packet, base_ns: int) -> None:
        """Of ``cutter.Sink``."""
        jump_ns = self._map_wall(stream)
        offset_ns = self._mapping_ns or 0
        self._has_event = self._event_now(first.capture_ns)
        start_wall_ns, origin_wall_ns = first.capture_ns + offset_ns, base_ns + offset_ns
        note = Note(self.camera, self.stream, start_wall_ns, origin_wall_ns, base_ns, self._has_event, jump_ns)
        init = init_segment(stream, note=note.encode())
        segment = Segment(
            0, "", self.camera, self.stream, "", start_wall_ns, origin_wall_ns, base_ns, 0, 0, len(init),
            mime_type(stream), configuration_key(stream), stream.video.width_px, stream.video.height_px,
            self._has_event, jump_ns, "open",
        )  # fmt: skip
        self._file = file = SegmentFile(self._storage, segment, self._settings.sync)
        self._segments += 1
        self._bytes += len(init)
        self._work.append((lambda: file.open(init), len(init)))

    def fragment(self, parts: Sequence[bytes], size_bytes: int) -> None:
        """Of ``cutter.Sink``."""
        file = self._file
        assert file is not None
        self._fragments += 1
        self._bytes += size_bytes + len(parts[0])
        self._work.append((lambda: file.append(parts), size_bytes))

    def end(self, duration_ns: int) -> None:
        """Of ``cutter.Sink``."""
        file, has_event = self._file, self._has_event
        assert file is not None
        self._file = None

        def close() -> None:
            file.close(duration_ns, has_event=has_event)
            self._lost_fragments += file.lost_fragments

        self._work.append((close, 0))

    async def _turn(self) -> None:
        """Take a batch, cut it, hand it to the disk thread."""
        try:
            await asyncio.wait_for(self._reader.wait(), _IDLE_S)
        except TimeoutError:
            self._idle()
        if self._poll_s and not self._reader.full:
            await self._clock.sleep(self._poll_s)
        for unit in self._reader.take(_BATCH_BYTES):
            self._take(unit)
        if self._file is not None and self._file.failed:
            self._cutter.close()  # the next key frame begins a file on a disk that works
        await self._hand_over()

    async def _hand_over(self) -> None:
        for done, (job, size_bytes) in enumerate(self._work):
            while not self._storage.disk.submit(job, size_bytes):
                self._disk_waits += 1
                try:
                    await self._clock.sleep(_RETRY_S)
                except asyncio.CancelledError:
                    del self._work[:done]
                    raise
        self._work.clear()

    def _idle(self) -> None:
        if self._cutter.has_pending and self._clock.monotonic_ns() - self._last_packet_ns > _STALL_FLUSH_NS:
            self._cutter.flush()

    def _take(self, unit: Unit) -> None:
        if isinstance(unit, StreamFormat):
            self._take_format(unit)
            return
        self._last_packet_ns = unit.capture_ns
        if self._settings.mode == "continuous" or (
            self._settings.mode == "events" and self._event_now(unit.capture_ns)
        ):
            if self._settings.mode == "events" and not self._cutter.is_open:
                for earlier in self._ring.drain():
                    self._cutter.packet(earlier)
            self._cutter.packet(unit)
        elif self._settings.mode == "events":
            if self._cutter.is_open:
                self._cutter.close()
            self._ring.push(unit)

    def _take_format(self, stream: StreamFormat) -> None:
        if not self._settings.audio:
            stream = replace(stream, audio=None)
        self._ring.clear()
        self._cutter.format(stream)

    def _map_wall(self, stream: StreamFormat) -> int:
        """Settle the wall mapping of the segment that begins; returns by how much it moved, 0 when it did not.

        The format's own mapping holds until the wall clock has been moved by more than a second against it.
        """
        before = self._mapping_ns
        now_ns = self._clock.wall_ns() - self._clock.monotonic_ns()
        candidates = [stream.wall_offset_ns] if before is None else [before, stream.wall_offset_ns]
        self._mapping_ns = next((value for value in candidates if abs(value - now_ns) <= _JUMP_NS), now_ns)
        return 0 if before is None else self._mapping_ns - before

    def _event_now(self, capture_ns: int) -> bool:
        return bool(self._events) or capture_ns < self._keep_until_ns

    def _mark_event(self, now_ns: int) -> None:
        self._has_event = True
        if self._mapping_ns is None:
            return
        to_ns = now_ns + self._mapping_ns
        from_ns = to_ns - from_seconds(self._settings.preroll_s)

        def mark() -> None:
            try:
                self._storage.index.mark_event(self.camera, from_ns, to_ns)
            except EyespotError as error:
                log.warning("an event could not be marked in the index: %s", error)

        self._work.append((mark, 0))

    def _state(self) -> str:
        if self._settings.mode == "off":
            return "off"
        if self._file is not None:
            return "failed" if self._file.failed else "recording"
        return "waiting"


def configuration_key(stream: StreamFormat) -> str:
    """Equal for formats that one decoder set-up plays: a digest of codecs, sizes and decoder configurations."""
    text = repr((stream.video, stream.audio)).encode()
    return hashlib.sha256(text).hexdigest()[:16]
