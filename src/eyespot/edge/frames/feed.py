"""One stream for all of its views: packets in, decoded once, each due cut drawn once.

Runs only while somebody reads. Views without pixels follow the packets' times, so they cost no decoding. When decoding
falls behind, what lies before the newest key packet is dropped and counted: readers see a gap, recording never notices.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.contracts.ring_slot import Stamp
from eyespot.contracts.track import TracksMessage
from eyespot.edge.frames.cut import Cut
from eyespot.edge.frames.objects import seen_in
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.decode import Decoder, Frame
from eyespot.media.packet_socket import PacketClient

log = logging.getLogger(__name__)

BEHIND_NS, BEHIND_BYTES = 1_000_000_000, 16 << 20
"""More waiting than this, and what lies before the newest key packet is dropped."""
RETRY_S = 1.0
ONLY_LENS = 0


class StreamFeed:
    """A service for one stream of one camera.

    Args:
        tracks: gives the newest tracks of the camera; called from a worker thread.

    Attributes:
        cuts: the views that somebody reads now; replaced as a whole by the owner.
    """

    def __init__(
        self,
        camera: str,
        stream: str,
        client: PacketClient,
        workers: Executor,
        tracks: Callable[[], TracksMessage | None],
    ) -> None:
        self.name = f"frames {camera}/{stream}"
        self.cuts: tuple[Cut, ...] = ()
        self._camera, self._stream = camera, stream
        self._client = client
        self._workers = workers
        self._tracks = tracks
        self._format: StreamFormat | None = None
        self._decoder: Decoder | None = None
        self._broken = True
        self._inbox: list[Unit] = []
        self._inbox_bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._decoded = self._dropped = self._corrupt = 0
        self._state, self._error = "connecting", ""

    async def run(self, stop: asyncio.Event) -> None:
        """Cut until ``stop``; the connection to the media process is made again when it breaks."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                reading = asyncio.create_task(self._read())
                await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                if not stop.is_set():
                    await asyncio.wait((stopping,), timeout=RETRY_S)
        finally:
            stopping.cancel()
            if self._work is not None:
                await asyncio.gather(self._work, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Packets wait or are being cut."""
        return self._work is not None and not self._work.done()

    def status(self) -> dict[str, Any]:
        """Counters and state."""
        return {
            "state": self._state,
            "error": self._error,
            "views": len(self.cuts),
            "corrupt": self._corrupt,
            "counts": {"views_decoded": self._decoded, "views_dropped": self._dropped},
        }

    async def _read(self) -> None:
        try:
            async for unit in self._client.units(self._camera, self._stream, reader="frames"):
                self._state, self._error = "watching", ""
                self._gather(unit)
        except EyespotError as error:
            if error.kind is not Kind.UNAVAILABLE:
                log.warning("%s: %s", self.name, error)
                self._error = error.what
        self._state = "connecting"

    def _gather(self, unit: Unit) -> None:
        self._inbox.append(unit)
        self._inbox_bytes += len(getattr(unit, "data", b""))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._process(), name=self.name)
            self._work.add_done_callback(self._say_defect)

    def _say_defect(self, work: "asyncio.Task[None]") -> None:
        if not work.cancelled() and (error := work.exception()) is not None:
            log.error("%s failed: %r", self.name, error, exc_info=error)
            self._error = str(error)
            self._broken = True

    async def _process(self) -> None:
        loop = asyncio.get_running_loop()
        while self._inbox:
            if self._inbox_bytes > BEHIND_BYTES or _span_ns(self._inbox) > BEHIND_NS:
                self._fall_behind()
            units, self._inbox, self._inbox_bytes = self._inbox, [], 0
            await loop.run_in_executor(self._workers, self._see, units)

    def _fall_behind(self) -> None:
        kept = from_newest_key(self._inbox)
        self._dropped += len(self._inbox) - len(kept)
        self._broken = self._broken or len(kept) < len(self._inbox)
        self._inbox = kept

    def _see(self, units: Sequence[Unit]) -> None:
        """In a worker thread."""
        for unit in units:
            if isinstance(unit, StreamFormat):
                self._format, self._decoder, self._broken = unit, None, True
            elif unit.track == "video":
                self._packet(unit)

    def _packet(self, packet: Packet) -> None:
        cuts = self.cuts
        for cut in cuts:
            if not cut.view.has_pixels and cut.is_due(packet.capture_ns):
                self._write(cut, packet.capture_ns, is_key=packet.is_key)
        drawn = [cut for cut in cuts if cut.view.has_pixels]
        if not drawn:
            self._broken = True
            return
        if packet.is_key:
            self._broken = False
        for frame in [] if self._broken else self._decode(packet):
            for cut in drawn:
                if cut.is_due(frame.capture_ns):
                    self._write(cut, frame.capture_ns, frame, is_key=frame.is_key)

    def _decode(self, packet: Packet) -> list[Frame]:
        if self._decoder is None:
            assert self._format is not None
            try:
                self._decoder = Decoder(self._format.video)
            except EyespotError as error:
                log.error("%s: %s", self.name, error)
                self._error, self._broken = error.what, True  # tried again at the next key packet
                return []
        frames = self._decoder.decode(packet)
        self._decoded += 1
        self._corrupt = self._decoder.stats.corrupt
        return frames

    def _write(self, cut: Cut, capture_ns: int, frame: Frame | None = None, *, is_key: bool) -> None:
        assert self._format is not None
        stamp = Stamp(
            capture_ns,
            capture_ns + self._format.wall_offset_ns,
            orientation=self._format.view.orientation,
            is_key=is_key,
            lens=ONLY_LENS,
            source_px=(frame.width_px, frame.height_px) if frame is not None else (0, 0),
        )
        cut.write(stamp, seen_in(cut.view, self._tracks(), capture_ns), frame)


def from_newest_key(units: Sequence[Unit]) -> list[Unit]:
    """The units from the newest key packet of video on, with the newest format before it; all when there is none."""
    for place in range(len(units) - 1, 0, -1):
        unit = units[place]
        if isinstance(unit, Packet) and unit.track == "video" and unit.is_key:
            formats = [one for one in units[:place] if isinstance(one, StreamFormat)][-1:]
            return [*formats, *units[place:]]
    return list(units)


def _span_ns(units: Sequence[Unit]) -> int:
    packets = [unit for unit in units if isinstance(unit, Packet)]
    return packets[-1].decode_ns - packets[0].decode_ns if packets else 0
