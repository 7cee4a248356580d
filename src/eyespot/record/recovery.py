"""After a crash or a power cut: make index and files agree again, losing nothing but unfinished fragments.

Runs before writers start. What it does, in order:
1. An index that is damaged is set aside and made anew.
2. Rows that were open, and files the index does not know, are read: the tail behind the last whole fragment is cut off,
   length and size are measured, the row is written. A file without a single whole fragment is deleted.
3. Rows whose file is gone are dropped, but only on roots that are there: a disk that is not mounted keeps its rows.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.fmp4 import mime_type
from eyespot.record.index import SegmentIndex
from eyespot.record.segment import Note, Segment
from eyespot.record.segment_reader import SegmentReader
from eyespot.record.settings import RootSettings
from eyespot.record.writer import configuration_key

log = logging.getLogger(__name__)
MAX_FILES = 2_000_000
_MAX_ASIDE = 100


@dataclass(slots=True)
class RecoveryReport:
    """What was found and done."""

    closed: int = 0
    found: int = 0
    cut_bytes: int = 0
    removed_files: int = 0
    dropped_rows: int = 0
    unreadable: int = 0
    rebuilt_index: bool = False


def open_index(path: Path, report: RecoveryReport | None = None) -> SegmentIndex:
    """The index at ``path``; a damaged one is renamed to ``<name>.damaged-<n>`` and an empty one made."""
    try:
        return SegmentIndex(path)
    except EyespotError as error:
        if error.kind is not Kind.CORRUPT:
            raise
        log.error("%s It is set aside and rebuilt from the files.", error.what)
    aside = next(
        name for number in range(_MAX_ASIDE) if not (name := path.with_name(f"{path.name}.damaged-{number}")).exists()
    )
    os.replace(path, aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if report is not None:
        report.rebuilt_index = True
    return SegmentIndex(path)


def recover(roots: Iterable[RootSettings], index: SegmentIndex, report: RecoveryReport | None = None) -> RecoveryReport:
    """Make ``index`` and the files below ``roots`` agree; see the module's text."""
    report = report or RecoveryReport()
    present = [str(root.path) for root in roots if root.path.is_dir()]
    known = {(segment.root, segment.path): segment for segment in index.all()}
    seen: set[tuple[str, str]] = set()
    for root in present:
        for path in _files(Path(root), report):
            seen.add((root, path))
            row = known.get((root, path))
            if row is None or row.state == "open":
                _restore(Path(root), path, row, index, report)
    gone = [row.id for key, row in known.items() if key not in seen and row.root in present]
    index.delete(gone)
    report.dropped_rows = len(gone)
    return report


def _files(root: Path, report: RecoveryReport) -> Iterator[str]:
    """Segment files below ``root``, as paths from there; unfinished copies of a move are deleted."""
    count = 0
    for folder, _, names in os.walk(root):  # does not follow links
        for name in sorted(names):
            count += 1
            if count > MAX_FILES:
                log.error("%s holds more than %d files; the rest is left alone.", root, MAX_FILES)
                return
            path = Path(folder) / name
            if name.endswith(".mp4.part"):
                path.unlink(missing_ok=True)
                report.removed_files += 1
            elif name.endswith(".mp4") and not path.is_symlink():
                yield str(path.relative_to(root))


def _restore(root: Path, path: str, row: Segment | None, index: SegmentIndex, report: RecoveryReport) -> None:
    file = root / path
    try:
        segment = _measure(root, path, row, report)
    except EyespotError as error:
        if row is not None or _is_torn_start(file):  # ours, and nothing whole was ever in it
            file.unlink(missing_ok=True)
            report.removed_files += 1
            if row is not None:
                index.delete([row.id])
            return
        log.warning("%s is not footage of this program and is left alone: %s", file, error.what)
        report.unreadable += 1
        return
    except OSError as error:
        log.warning("%s cannot be read and is left alone: %s", file, error)
        report.unreadable += 1
        return
    index.add(segment)
    if row is None:
        report.found += 1
    else:
        report.closed += 1


def _measure(root: Path, path: str, row: Segment | None, report: RecoveryReport) -> Segment:
    """The row that the file itself tells; its tail is cut off. Raises ``CORRUPT`` when nothing whole is in it."""
    with SegmentReader(root / path, 0, 0) as reader:
        note = Note.decode(reader.info.note)
        if not reader.fragments:
            raise EyespotError(Kind.CORRUPT, f"{path} holds no whole fragment.")
        size_bytes, tail_bytes = reader.whole_bytes, reader.file_bytes - reader.whole_bytes
        first = reader.fragments[0].video
        last = reader.fragments[-1].video
        assert first is not None
        assert last is not None
        length_ns = reader.wall_ns(last.end_time) - reader.wall_ns(first.decode_time)
        stream, init_bytes = reader.info.stream, reader.info.size
    if tail_bytes:
        os.truncate(root / path, size_bytes)
        report.cut_bytes += tail_bytes
    has_event = note.has_event or (row is not None and row.has_event)
    return Segment(
        0, str(root), note.camera, note.stream, path, note.start_wall_ns, note.origin_wall_ns, note.start_mono_ns,
        length_ns, size_bytes, init_bytes, mime_type(stream), configuration_key(stream),
        stream.video.width_px, stream.video.height_px, has_event, note.clock_jump_ns, "closed",
    )  # fmt: skip


def _is_torn_start(file: Path) -> bool:
    """Whether the file could be the beginning of a segment of ours that a crash cut off before its first fragment."""
    try:
        with file.open("rb") as stream:
            head = stream.read(16 << 10)
    except OSError:
        return False
    return len(head) == 0 or (len(head) < (16 << 10) and (b"iso6cmfcmp41" in head or b"ftyp".startswith(head[4:8])))
