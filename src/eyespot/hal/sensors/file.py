"""Footage from a file: copied packets, at the speed of their timestamps or as fast as readers take them.

Files in codecs other than H.264 and H.265 are encoded once into the cache folder and played from there, so playing
costs what a copy costs. The file is read a batch at a time in a thread, so a slow disk never blocks the event loop.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

from eyespot.contracts.packet import Packet, StreamFormat, Unit, VideoFormat
from eyespot.hal.sensors.demux import RawPacket, open_file
from eyespot.hal.sensors.encode import Progress, encode_once
from eyespot.hal.sensors.framing import Framing
from eyespot.hal.sensors.pacing import Pacer
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import EyespotError, invalid

BATCH_PACKETS = 256
BATCH_BYTES = 2 << 20
BATCH_NS = NS_PER_S


def playable(path: Path, settings: SensorSettings, *, progress: Progress, aborted: threading.Event) -> Path:
    """``path`` itself when its video can be copied, else its H.264 version, encoded now if need be. Blocks."""
    demuxer = open_file(path, audio=False)
    try:
        copyable = demuxer.video_codec is not None
    finally:
        demuxer.close()
    if copyable:
        return path
    return encode_once(path, settings.cache_dir or cache_dir() / "footage", progress=progress, aborted=aborted.is_set)


class FileSensor:
    """A video file as a camera stream.

    Args:
        path: the file.
        settings: ``pace``, ``loop``, ``audio`` and ``cache_dir`` are used.
        clock: paces and stamps.
        progress: told how far encoding is, when the file must be encoded first; called from a thread.
    """

    def __init__(self, path: Path, settings: SensorSettings, clock: Clock, *, progress: Progress | None = None) -> None:
        self._path = path
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._encoded = 1.0
        self._corrupt = 0
        self._loops = 0
        self._dropped_audio = 0

    @property
    def name(self) -> str:
        return f"file {self._path.name}"

    def counters(self) -> dict[str, Any]:
        return {
            "corrupt": self._corrupt,
            "loops": self._loops,
            "dropped_audio": self._dropped_audio,
            "encoded": round(self._encoded, 3),
        }

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``contract.Sensor``; ends at the end of the file unless ``loop`` is set."""
        tape = await self._open()
        pacer = Pacer(self._clock, live=self._settings.pace == "live")
        try:
            video: VideoFormat | None = None
            while batch := await asyncio.to_thread(tape.read):
                for item in batch:
                    if isinstance(item, VideoFormat):
                        video = item
                        yield StreamFormat(video, tape.audio_format, pacer.wall_offset_ns)
                        continue
                    due_ns = await pacer.wait(item.decode_ns)
                    yield _packet(item, due_ns)
                self._corrupt, self._loops, self._dropped_audio = tape.corrupt, tape.loops, tape.dropped_audio
            if video is None:
                raise invalid(f"{self._path.name} has no pictures.", "Name a file with video.")
        finally:
            await asyncio.shield(asyncio.to_thread(tape.close))

    async def _open(self) -> "_Tape":
        aborted = threading.Event()
        self._encoded = 0.0
        try:
            path = await asyncio.to_thread(
                playable, self._path, self._settings, progress=self._note_progress, aborted=aborted
            )
            return await asyncio.to_thread(_Tape, path, audio=self._settings.audio, loop=self._settings.loop)
        finally:
            self._encoded = 1.0
            aborted.set()

    def _note_progress(self, part: float) -> None:
        self._encoded = part
        if self._progress is not None:
            self._progress(part)


class _Tape:
    """A file as one endless (or single) run of packets on a continuous time line that starts at 0. Blocks."""

    def __init__(self, path: Path, *, audio: bool, loop: bool) -> None:
        self._path = path
        self._demuxer = open_file(path, audio=audio)
        self._lock = threading.Lock()  # a cancelled reader's thread may still be reading while the tape is closed
        self._closed = False
        self.audio_format = self._demuxer.audio_format
        self._loop = loop
        self.corrupt = self.loops = self.dropped_audio = 0
        codec = self._demuxer.video_codec
        assert codec is not None
        self._framing = Framing(codec, self._demuxer.video.codec_context)
        self._items = self._run()

    def read(self) -> list[RawPacket | VideoFormat]:
        """The next second or so of packets, each format before its first packet; empty at the end."""
        with self._lock:
            return [] if self._closed else self._read()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._demuxer.close()

    def _read(self) -> list[RawPacket | VideoFormat]:
        batch: list[RawPacket | VideoFormat] = []
        size_bytes = 0
        first_ns: int | None = None
        for item in self._items:
            batch.append(item)
            if isinstance(item, VideoFormat):
                continue
            first_ns = item.decode_ns if first_ns is None else first_ns
            size_bytes += len(item.data)
            if len(batch) >= BATCH_PACKETS or size_bytes >= BATCH_BYTES or item.decode_ns - first_ns >= BATCH_NS:
                break
        return batch

    def _run(self) -> Iterator[RawPacket | VideoFormat]:
        told: VideoFormat | None = None
        offset_ns = 0
        while True:
            span = _Span(offset_ns)
            for raw in self._demuxer.packets():
                if raw.is_corrupt:
                    self.corrupt += 1
                    continue
                packet = self._place(raw, span)
                if packet is None:
                    continue
                if packet.is_video and self._framing.format is not told and self._framing.format is not None:
                    told = self._framing.format
                    yield told
                if told is not None:
                    yield packet
            if not self._loop or span.end_ns <= offset_ns:
                return
            offset_ns = span.end_ns
            self.loops += 1
            self._reopen()

    def _reopen(self) -> None:
        """Start again at the first packet; not every container can seek there, every file can be opened again."""
        audio = self._demuxer.audio is not None
        self._demuxer.close()
        self._demuxer = open_file(self._path, audio=audio)

    def _place(self, raw: RawPacket, span: "_Span") -> RawPacket | None:
        """``raw`` on the continuous time line, its video repacked; None when it must be left out."""
        data = raw.data
        if raw.is_video:
            try:
                data = self._framing.convert(data)
            except EyespotError:
                self.corrupt += 1
                return None
            if not data:
                return None
        placed = span.place(raw, data)
        if placed is None:
            self.dropped_audio += 1
        return placed


class _Span:
    """One run through the file: where it starts and ends on the continuous time line."""

    def __init__(self, offset_ns: int) -> None:
        self._offset_ns = offset_ns
        self._first_ns: int | None = None
        self._last_video_ns = -1
        self.end_ns = offset_ns

    def place(self, raw: RawPacket, data: bytes) -> RawPacket | None:
        """``raw`` moved to this run; None for audio outside the run's video."""
        if self._first_ns is None:
            if not raw.is_video:
                return None
            self._first_ns = raw.decode_ns
        shift_ns = self._offset_ns - self._first_ns
        decode_ns = raw.decode_ns + shift_ns
        if raw.is_video:
            duration_ns = raw.duration_ns or max(0, decode_ns - self._last_video_ns if self._last_video_ns >= 0 else 0)
            self._last_video_ns = decode_ns
            self.end_ns = max(self.end_ns, decode_ns + max(duration_ns, 1))
        elif decode_ns < self._offset_ns:
            return None
        return RawPacket(
            raw.is_video, raw.present_ns + shift_ns, decode_ns, raw.duration_ns, raw.is_key, raw.is_corrupt, data
        )


def _packet(raw: RawPacket, due_ns: int) -> Packet:
    return Packet(
        "video" if raw.is_video else "audio",
        due_ns + raw.present_ns - raw.decode_ns,
        due_ns,
        raw.duration_ns,
        raw.is_key,
        raw.data,
    )
