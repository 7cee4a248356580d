"""A segment: one file of footage, its row in the index, its name on disk and the note inside the file.

The note makes a file complete in itself: index and file name can be rebuilt from it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import corrupt
from eyespot.kernel.ids import is_slug

State = Literal["open", "closed"]
NOTE_VERSION = 1
MAX_NOTE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Segment:
    """One row of the index.

    Attributes:
        id: row number, 0 before it is stored.
        root: storage root, as an absolute path.
        path: file below the root.
        start_wall_ns: wall time of the first picture.
        origin_wall_ns: wall time of media time 0 of the file (at or before the start).
        start_mono_ns: monotonic time of media time 0, in the boot that recorded it.
        duration_ns: from the first picture to the end of the last; 0 while open.
        size_bytes: of the file; 0 while open.
        init_bytes: of the initialisation segment at its start.
        mime: type and codecs, for MSE.
        configuration_key: equal for segments that one decoder set-up can play through.
        has_event: footage of an event is in it.
        clock_jump_ns: how far the wall clock was moved since the segment before, 0 when it was not.
        state: ``open`` while it is written.
    """

    id: int
    root: str
    camera: str
    stream: str
    path: str
    start_wall_ns: int
    origin_wall_ns: int
    start_mono_ns: int
    duration_ns: int
    size_bytes: int
    init_bytes: int
    mime: str
    configuration_key: str
    width_px: int
    height_px: int
    has_event: bool
    clock_jump_ns: int
    state: State

    @property
    def end_wall_ns(self) -> int:
        """Wall time behind the last picture, as far as the index knows."""
        return self.start_wall_ns + self.duration_ns

    @property
    def file(self) -> Path:
        """Where the file lies."""
        return Path(self.root) / self.path


def segment_path(camera: str, stream: str, start_wall_ns: int, suffix: int = 0) -> str:
    """``<camera>/<stream>/<YYYY-MM-DD>/<HH-MM-SS.milliseconds>.mp4`` in UTC; ``suffix`` keeps names apart."""
    start = datetime.fromtimestamp(start_wall_ns // NS_PER_S, UTC)
    name = f"{start:%H-%M-%S}.{start_wall_ns % NS_PER_S // 1_000_000:03d}" + (f"-{suffix}" if suffix else "")
    return f"{camera}/{stream}/{start:%Y-%m-%d}/{name}.mp4"


@dataclass(frozen=True, slots=True)
class Note:
    """What a file says about itself."""

    camera: str
    stream: str
    start_wall_ns: int
    origin_wall_ns: int
    start_mono_ns: int
    has_event: bool
    clock_jump_ns: int

    def encode(self) -> bytes:
        """As JSON bytes."""
        document = {"v": NOTE_VERSION, **{name: getattr(self, name) for name in Note.__slots__}}
        return json.dumps(document, separators=(",", ":")).encode()

    @staticmethod
    def decode(data: bytes) -> "Note":
        """Raises ``CORRUPT`` when ``data`` is not a note."""
        if not 0 < len(data) <= MAX_NOTE_BYTES:
            raise corrupt("The file has no note of what it is.")
        try:
            document: dict[str, Any] = json.loads(data)
            if document["v"] != NOTE_VERSION:
                raise corrupt(f"The file's note is of version {document['v']}.")
            numbers = [int(document[name]) for name in ("start_wall_ns", "origin_wall_ns", "start_mono_ns")]
            jump = int(document["clock_jump_ns"])
            camera, stream = str(document["camera"]), str(document["stream"])
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise corrupt(f"The file's note does not parse: {error!r}.") from error
        if not (is_slug(camera) and is_slug(stream)) or any(abs(number) >= 1 << 62 for number in (*numbers, jump)):
            raise corrupt("The file's note has values out of bounds.")
        return Note(camera, stream, numbers[0], numbers[1], numbers[2], bool(document["has_event"]), jump)
