"""Reading one segment file: its fragments found by their headers alone, their times on the wall, single packets."""

import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Literal

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import not_found
from eyespot.media.fmp4 import FragmentInfo, InitInfo, parse_init, scan_fragments
from eyespot.record.index import SegmentIndex
from eyespot.record.segment import Segment

VIDEO_TRACK = 1


class SegmentReader:
    """An open segment file; a context manager.

    A segment that is still being written is read up to its last whole fragment at the time of the first look.

    Args:
        file: where it lies.
        origin_wall_ns: wall time of media time 0.
        origin_mono_ns: monotonic time of media time 0, in the boot that recorded it.

    Raises:
        EyespotError: ``CORRUPT`` when the file is not a segment. ``OSError`` when it cannot be opened.
    """

    def __init__(self, file: Path, origin_wall_ns: int, origin_mono_ns: int) -> None:
        self.origin_wall_ns = origin_wall_ns
        self.origin_mono_ns = origin_mono_ns
        self._descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.file_bytes = os.fstat(self._descriptor).st_size
            self.info: InitInfo = parse_init(self._read_at, self.file_bytes)
        except BaseException:  # whatever went wrong, the file must not stay open
            os.close(self._descriptor)
            raise

    def __enter__(self) -> "SegmentReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def stream(self) -> StreamFormat:
        """Format of the packets, with the wall mapping of this segment."""
        return replace(self.info.stream, wall_offset_ns=self.origin_wall_ns - self.origin_mono_ns)

    @cached_property
    def fragments(self) -> list[FragmentInfo]:
        """The whole fragments that have video, in file order."""
        found, self._whole_bytes = scan_fragments(self._read_at, self.info.size, self.file_bytes)
        return [fragment for fragment in found if fragment.video is not None]

    @property
    def whole_bytes(self) -> int:
        """Where the last whole fragment ends."""
        _ = self.fragments
        return self._whole_bytes

    @property
    def end_wall_ns(self) -> int:
        """Wall time behind the last whole fragment's video; the origin when there is none."""
        if not self.fragments:
            return self.origin_wall_ns
        run = self.fragments[-1].video
        return self.wall_ns(run.end_time) if run else self.origin_wall_ns

    def init(self) -> bytes:
        """The initialisation segment's bytes."""
        return self._read_at(0, self.info.size)

    def bytes_of(self, fragment: FragmentInfo) -> bytes:
        """The whole fragment as it lies in the file."""
        return self._read_at(fragment.offset, fragment.size)

    def wall_ns(self, ticks: int, track: int = VIDEO_TRACK) -> int:
        """Media time of ``track`` as wall time."""
        return self.origin_wall_ns + ticks * NS_PER_S // self.info.timescale(track)

    def start_wall_ns(self, fragment: FragmentInfo) -> int:
        """Wall time at which the fragment's video begins to decode."""
        run = fragment.video
        return self.wall_ns(run.decode_time if run else 0)

    def packets(self, fragment: FragmentInfo) -> list[Packet]:
        """The fragment's packets, video before audio, with the monotonic times of the boot that recorded them."""
        data = self.bytes_of(fragment)
        packets: list[Packet] = []
        for run in fragment.runs:
            rate = self.info.timescale(run.track)
            if not rate:
                continue
            track: Literal["video", "audio"] = "video" if run.track == VIDEO_TRACK else "audio"
            for item in run.samples():
                decode_ns = self.origin_mono_ns + item.decode_time * NS_PER_S // rate
                offset_ns = item.composition_offset * NS_PER_S // rate
                duration_ns = item.duration * NS_PER_S // rate
                payload = data[item.offset : item.offset + item.size]
                packets.append(Packet(track, decode_ns + offset_ns, decode_ns, duration_ns, item.is_key, payload))
        return packets

    def _read_at(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)


def open_segment(index: SegmentIndex, segment: Segment) -> SegmentReader:
    """Open the file of a row, wherever it lies by now; raises ``NOT_FOUND`` when it is gone."""
    found: Segment | None = segment
    for _ in range(3):  # it may be moved between the look into the index and the opening
        if found is None:
            break
        try:
            return SegmentReader(found.file, found.origin_wall_ns, found.start_mono_ns)
        except FileNotFoundError:
            found = index.get(segment.id)
    raise not_found(f"The footage file {segment.path} is gone.", "It was deleted by retention, or by hand.")
