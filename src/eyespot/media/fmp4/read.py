"""Reading fragmented MP4 back: where fragments lie, what they hold, and moving them in time.

Input is a file that a crash, a full disk or a stranger may have written: every size, count and nesting is bounded, and
whatever does not fit raises ``CORRUPT``. Sample data is never touched.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from eyespot.contracts.packet import AudioFormat, StreamFormat, VideoFormat
from eyespot.kernel.errors import EyespotError, corrupt
from eyespot.media.fmp4.boxes import Box, children, iter_boxes, read_header
from eyespot.media.fmp4.init import AUDIO_TRACK, VIDEO_TRACK, note_of

MAX_INIT_BYTES = 1 << 20
MAX_MOOF_BYTES = 4 << 20
MAX_SAMPLES = 65_536
MAX_RUNS = 16
MAX_FRAGMENTS = 200_000
_PEEK_BYTES = 2048
_NON_SYNC = 0x00010000
_WORD = struct.Struct(">I")
_LONG = struct.Struct(">Q")

ReadAt = Callable[[int, int], bytes]
"""``read_at(offset, size)``: up to ``size`` bytes from ``offset``; fewer only at the end."""


class Sample(NamedTuple):
    """One sample of a run: ``offset`` and ``size`` in bytes from the start of its ``moof``, times in ticks."""

    offset: int
    size: int
    decode_time: int
    duration: int
    composition_offset: int
    is_key: bool


@dataclass(frozen=True, slots=True)
class TrackRun:
    """The samples of one track in one fragment, as columns of equal length; times in the track's ticks.

    ``time_at`` and ``time_wide`` say where in the ``moof`` the decode time stands and whether it has 64 bits.
    """

    track: int
    decode_time: int
    durations: tuple[int, ...]
    sizes: tuple[int, ...]
    flags: tuple[int, ...]
    offsets: tuple[int, ...]
    data_at: int
    time_at: int
    time_wide: bool

    @property
    def end_time(self) -> int:
        """Decode time behind the last sample."""
        return self.decode_time + sum(self.durations)

    def samples(self) -> list[Sample]:
        """One by one."""
        result, time, at = [], self.decode_time, self.data_at
        for duration, size, flags, offset in zip(self.durations, self.sizes, self.flags, self.offsets, strict=True):
            result.append(Sample(at, size, time, duration, offset, not flags & _NON_SYNC))
            time += duration
            at += size
        return result


@dataclass(frozen=True, slots=True)
class FragmentInfo:
    """Where a whole fragment (``moof`` and ``mdat``) lies in its file, and its tracks' runs."""

    offset: int
    size: int
    moof_bytes: int
    runs: tuple[TrackRun, ...]

    @property
    def video(self) -> TrackRun | None:
        """The video track's run."""
        return next((run for run in self.runs if run.track == VIDEO_TRACK), None)

    @property
    def key_times(self) -> list[int]:
        """Decode times, in ticks, of the key frames in it."""
        run = self.video
        if run is None or all(flags & _NON_SYNC for flags in run.flags):
            return []
        return [sample.decode_time for sample in run.samples() if sample.is_key]


@dataclass(frozen=True, slots=True)
class InitInfo:
    """What an initialisation segment says. ``stream.wall_offset_ns`` is 0: the note, if any, says more."""

    size: int
    stream: StreamFormat
    video_timescale: int
    audio_timescale: int
    note: bytes

    def timescale(self, track: int) -> int:
        """Ticks per second of ``track``."""
        return self.audio_timescale if track == AUDIO_TRACK else self.video_timescale


def parse_init(read_at: ReadAt, file_bytes: int) -> InitInfo:
    """The initialisation segment at the start of a file; raises ``CORRUPT`` when there is none whole."""
    data = read_at(0, min(file_bytes, 4096))
    offset = 0
    for _ in range(8):
        found = read_header(data, offset, file_bytes)
        if found is None or found.end > min(file_bytes, MAX_INIT_BYTES):
            break
        if found.end > len(data):
            data = read_at(0, found.end)
            if len(data) < found.end:
                break
        if found.kind == b"moov":
            return _parse_moov(data, found)
        if found.kind not in (b"ftyp", b"free", b"skip"):
            break
        offset = found.end
        if offset + 16 > len(data):
            data = read_at(0, offset + 4096)
    raise corrupt("The file does not begin with a whole MP4 initialisation segment.")


def scan_fragments(read_at: ReadAt, start: int, file_bytes: int) -> tuple[list[FragmentInfo], int]:
    """The whole fragments from ``start`` on, and the offset behind the last of them.

    Stops without an error at the first thing that is not a whole fragment: behind a crash that is the tail to drop.
    Reads the ``moof`` boxes alone.
    """
    found: list[FragmentInfo] = []
    offset = start
    while offset + 16 <= file_bytes and len(found) < MAX_FRAGMENTS:
        fragment = _fragment_at(read_at, offset, file_bytes)
        if fragment is None:
            break
        found.append(fragment)
        offset += fragment.size
    return found, offset


def _fragment_at(read_at: ReadAt, offset: int, file_bytes: int) -> FragmentInfo | None:
    data = read_at(offset, min(_PEEK_BYTES, file_bytes - offset))
    try:
        moof = read_header(data, 0, len(data))
        if moof is None or moof.kind != b"moof" or moof.end > MAX_MOOF_BYTES or offset + moof.end + 8 > file_bytes:
            return None
        if moof.end + 16 > len(data):
            data = read_at(offset, min(moof.end + 16, file_bytes - offset))
        mdat = read_header(data, moof.end, file_bytes - offset)
        if mdat is None or mdat.kind != b"mdat" or offset + mdat.end > file_bytes:
            return None
        runs = parse_fragment(data[: moof.end])
        for run in runs:
            if run.data_at < mdat.body or run.data_at + sum(run.sizes) > mdat.end:
                return None
    except EyespotError:  # not a fragment: that is the answer, not a failure
        return None
    return FragmentInfo(offset, mdat.end, moof.end, runs)


def parse_fragment(moof: bytes) -> tuple[TrackRun, ...]:
    """The runs of one ``moof`` box (the whole box); raises ``CORRUPT`` when it does not parse.

    One ``trun`` a track and offsets counted from the ``moof`` are expected: what this package writes.
    """
    try:
        root = read_header(moof, 0, len(moof))
        if root is None or root.kind != b"moof" or root.end != len(moof):
            raise corrupt("A fragment does not begin with a whole moof box.")
        runs = tuple(_parse_traf(moof, item) for item in iter_boxes(moof, root.body, root.end) if item.kind == b"traf")
    except (struct.error, IndexError) as error:
        raise corrupt(f"A moof box is cut short: {error}.") from error
    if len(runs) > MAX_RUNS:
        raise corrupt(f"A moof box has {len(runs)} tracks.")
    return runs


def shift_decode_times(moof: bytes, runs: tuple[TrackRun, ...], shift_ticks: dict[int, int]) -> bytes:
    """``moof`` with each track's decode time moved by ``shift_ticks[track]`` (0 at the lowest)."""
    patched = bytearray(moof)
    for run in runs:
        value = max(0, run.decode_time + shift_ticks.get(run.track, 0))
        if run.time_wide:
            _LONG.pack_into(patched, run.time_at, value & 0xFFFFFFFFFFFFFFFF)
        else:
            _WORD.pack_into(patched, run.time_at, value & 0xFFFFFFFF)
    return bytes(patched)


def _parse_traf(data: bytes, traf: Box) -> TrackRun:
    parts = children(data, traf)
    if not {b"tfhd", b"tfdt", b"trun"} <= parts.keys():
        raise corrupt("A track fragment has no tfhd, tfdt or trun box.")
    track, defaults = _parse_tfhd(data, parts[b"tfhd"])
    at = parts[b"tfdt"].body
    wide = data[at] == 1
    (time,) = (_LONG if wide else _WORD).unpack_from(data, at + 4)
    columns, data_at = _parse_trun(data, parts[b"trun"], defaults)
    return TrackRun(track, time, *columns, data_at, at + 4, wide)


def _parse_tfhd(data: bytes, tfhd: Box) -> tuple[int, tuple[int, int, int]]:
    """The track and its default duration, size and flags."""
    flags, track = struct.unpack_from(">II", data, tfhd.body)
    at = tfhd.body + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    values = [0, 0, 0]
    for index, bit in enumerate((0x8, 0x10, 0x20)):
        if flags & bit:
            (values[index],) = _WORD.unpack_from(data, at)
            at += 4
    return track, (values[0], values[1], values[2])


_Column = tuple[int, ...]


def _parse_trun(
    data: bytes, trun: Box, defaults: tuple[int, int, int]
) -> tuple[tuple[_Column, _Column, _Column, _Column], int]:
    head, count = struct.unpack_from(">II", data, trun.body)
    flags = head & 0xFFFFFF
    if not 0 < count <= MAX_SAMPLES or not flags & 1:
        raise corrupt(f"A track run of {count} samples with flags {flags:#x} is not supported.")
    (data_at,) = struct.unpack_from(">i", data, trun.body + 8)
    at = trun.body + 12
    first_flags = None
    if flags & 4:
        (first_flags,) = _WORD.unpack_from(data, at)
        at += 4
    bits = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    if at + 4 * count * len(bits) > trun.end:
        raise corrupt("A track run is longer than its box.")
    words = struct.unpack_from(f">{count * len(bits)}I", data, at)
    columns = {bit: words[index :: len(bits)] for index, bit in enumerate(bits)}
    durations = columns.get(0x100, (defaults[0],) * count)
    sizes = columns.get(0x200, (defaults[1],) * count)
    sample_flags = columns.get(0x400, (defaults[2],) * count)
    if first_flags is not None:
        sample_flags = (first_flags, *sample_flags[1:])
    offsets = columns.get(0x800, (0,) * count)
    if any(offset & 0x80000000 for offset in offsets):
        offsets = tuple(offset - (1 << 32) if offset & 0x80000000 else offset for offset in offsets)
    return (durations, sizes, sample_flags, offsets), data_at


def _parse_moov(data: bytes, moov: Box) -> InitInfo:
    video: VideoFormat | None = None
    audio: AudioFormat | None = None
    rates = {VIDEO_TRACK: 0, AUDIO_TRACK: 0}
    note = b""
    try:
        for item in iter_boxes(data, moov.body, moov.end):
            if item.kind == b"uuid":
                note = note_of(data[item.body : item.end]) or note
            elif item.kind == b"trak":
                track, rate, entry = _parse_trak(data, item)
                if entry.kind in (b"avc1", b"avc3", b"hvc1", b"hev1") and track == VIDEO_TRACK:
                    video, rates[track] = _video_format(data, entry), rate
                elif entry.kind in (b"mp4a", b"Opus") and track == AUDIO_TRACK:
                    audio, rates[track] = _audio_format(data, entry, rate), rate
    except (struct.error, KeyError, IndexError, StopIteration) as error:
        raise corrupt(f"The moov box does not parse: {error!r}.") from error
    if video is None or not rates[VIDEO_TRACK]:
        raise corrupt("The moov box has no H.264 or H.265 track.")
    return InitInfo(moov.end, StreamFormat(video, audio, 0), rates[VIDEO_TRACK], rates[AUDIO_TRACK], note)


def _parse_trak(data: bytes, trak: Box) -> tuple[int, int, Box]:
    """Track number, timescale and sample entry."""
    parts = children(data, trak)
    tkhd = parts[b"tkhd"].body
    (track,) = _WORD.unpack_from(data, tkhd + (20 if data[tkhd] == 1 else 12))
    mdia = children(data, parts[b"mdia"])
    mdhd = mdia[b"mdhd"].body
    (rate,) = _WORD.unpack_from(data, mdhd + (20 if data[mdhd] == 1 else 12))
    stsd = children(data, children(data, mdia[b"minf"])[b"stbl"])[b"stsd"]
    return track, rate, next(iter_boxes(data, stsd.body + 8, stsd.end))


def _video_format(data: bytes, entry: Box) -> VideoFormat:
    width_px, height_px = struct.unpack_from(">HH", data, entry.body + 24)
    parts = children(data, entry, 78)
    if entry.kind in (b"avc1", b"avc3"):
        record = parts[b"avcC"]
        return VideoFormat("h264", width_px, height_px, data[record.body : record.end])
    record = parts[b"hvcC"]
    return VideoFormat("h265", width_px, height_px, data[record.body : record.end])


def _audio_format(data: bytes, entry: Box, rate_hz: int) -> AudioFormat:
    (channels,) = struct.unpack_from(">H", data, entry.body + 16)
    parts = children(data, entry, 28)
    if entry.kind == b"Opus":
        record = parts[b"dOps"]
        body = data[record.body : record.end]
        _, outputs, skip, rate, gain, family = struct.unpack_from(">BBHIHB", body)
        head = struct.pack("<BBHIHB", 1, outputs, skip, rate, gain, family) + body[11:]
        return AudioFormat("opus", rate, channels, b"OpusHead" + head)
    record = parts[b"esds"]
    return AudioFormat("aac", rate_hz, channels, _specific_config(data[record.body + 4 : record.end]))


def _specific_config(descriptors: bytes) -> bytes:
    """The AudioSpecificConfig inside an ES descriptor (ISO/IEC 14496-1, 7.2.6)."""
    at = 0
    for tag, skip in ((3, 3), (4, 13), (5, 0)):
        if descriptors[at] != tag:
            raise corrupt(f"The esds box has tag {descriptors[at]} where {tag} belongs.")
        at, length = at + 1, 0
        for _ in range(4):
            byte = descriptors[at]
            at, length = at + 1, length << 7 | byte & 0x7F
            if not byte & 0x80:
                break
        if tag == 5:
            return descriptors[at : at + length]
        at += skip
    raise corrupt("The esds box has no AudioSpecificConfig.")
