"""Heavy work on footage, kept small: pictures, playback and export in two threads, so many at a time, the rest refused.

Owns the threads, the limits and the picture cache. What it works with is in ``record`` and ``media``; PyAV is imported
when the first picture is asked for.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.edge.api.picture_cache import PictureCache
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.errors import EyespotError, Kind, unavailable
from eyespot.record import playback
from eyespot.record.index import SegmentIndex

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 2
_MAX_WAITING = 64
_MAX_STREAMS, _MAX_STREAMS_PER_ACCOUNT = 32, 8
JPEG_QUALITY = 80
TOTALS_NS = 10 * NS_PER_S


class Footage:
    """Runs blocking footage work in a few threads.

    Args:
        index: which footage lies where.
        cache: folder for thumbnails.
    """

    def __init__(self, index: SegmentIndex, cache: Path, clock: Clock) -> None:
        self.index = index
        self._pictures = PictureCache(cache)
        self._clock = clock
        self._totals: dict[str, dict[str, int]] = {}
        self._totals_ns = -TOTALS_NS
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="footage")
        self._waiting = 0
        self._streams: dict[str, int] = {}

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work`` from one of the threads; raises ``THROTTLED`` when too much is waiting already."""
        if self._waiting >= _MAX_WAITING:
            raise EyespotError(Kind.THROTTLED, "Too much footage is asked for at once.", "Try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))
        finally:
            self._waiting -= 1

    async def totals(self) -> dict[str, dict[str, int]]:
        """Footage kept per camera, at most ten seconds old; see ``SegmentIndex.totals``. Open segments count too."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._totals_ns >= TOTALS_NS:
            self._totals_ns = now_ns
            self._totals = await self.run(self._count)
        return self._totals

    def _count(self) -> dict[str, dict[str, int]]:
        totals = self.index.totals()
        for segment in self.index.open_segments():
            with contextlib.suppress(OSError, KeyError):
                totals[segment.camera]["bytes"] += segment.file.stat().st_size
        return totals

    async def picture(self, stream: StreamFormat, key_frame: Packet, width_px: int | None) -> bytes:
        """A key frame as a JPEG, at most ``width_px`` wide; raises ``UNAVAILABLE`` when it cannot be decoded."""
        return await self.run(key_frame_jpeg, stream, key_frame, width_px)

    async def thumbnail(self, camera: str, stream: str, at_ns: int, width_px: int) -> bytes:
        """The newest archived key frame at or before a wall time, as a JPEG; raises ``NOT_FOUND`` without one."""
        return await self.run(self._thumbnail, camera, stream, at_ns, width_px)

    async def open_playback(self, camera: str, stream: str, from_ns: int, to_ns: int) -> playback.Playback:
        """Footage of a span; raises ``NOT_FOUND`` when there is none, ``INVALID`` for an impossible span."""
        return await self.run(playback.stream, self.index, camera, stream, from_ns, to_ns)

    async def chunks(self, source: Iterator[bytes], account: str) -> AsyncIterator[bytes]:
        """What ``source`` yields, each step in one of the threads, so that a slow reader holds none.

        Raises ``THROTTLED`` at the first step when ``account`` already reads too much.
        """
        with self._stream_of(account):
            try:
                while (chunk := await self.run(next, source, None)) is not None:
                    yield chunk
            finally:
                await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, _close, source))

    def close(self) -> None:
        """Give up what waits and let what runs end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check_streams(self, account: str) -> None:
        """Raise ``THROTTLED`` when ``account``, or all together, already read as much footage as may be."""
        if self._streams.get(account, 0) >= _MAX_STREAMS_PER_ACCOUNT or sum(self._streams.values()) >= _MAX_STREAMS:
            raise EyespotError(Kind.THROTTLED, "Too many recordings are being played.", "Close one first.")

    @contextmanager
    def _stream_of(self, account: str) -> Iterator[None]:
        self.check_streams(account)
        self._streams[account] = self._streams.get(account, 0) + 1
        try:
            yield
        finally:
            self._streams[account] -= 1
            if not self._streams[account]:
                del self._streams[account]

    def _thumbnail(self, camera: str, stream: str, at_ns: int, width_px: int) -> bytes:
        found, packet = playback.key_packet_at(self.index, camera, stream, at_ns)
        name = f"{camera}.{stream}.{packet.capture_ns + found.wall_offset_ns}.{width_px}"
        picture = self._pictures.get(name)
        if picture is None:
            picture = key_frame_jpeg(found, packet, width_px)
            self._pictures.put(name, picture)
        return picture


_decoding = threading.Lock()


def key_frame_jpeg(stream: StreamFormat, key_frame: Packet, width_px: int | None) -> bytes:
    """Decode one key frame and encode it as a JPEG, one at a time; raises ``UNAVAILABLE`` when it holds no picture."""
    from eyespot.media.decode import Decoder  # PyAV costs 20 MB: only for those who ask for pictures

    with _decoding:
        decoder = Decoder(stream.video, threads=1)
        frames = [*decoder.decode(key_frame), *decoder.flush()]
        if not frames:
            raise unavailable("This moment cannot be decoded.", "Try another moment.")
        return frames[0].jpeg(JPEG_QUALITY, width_px)


def _close(source: Iterator[bytes]) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()
