"""An archived moment of a host, running or not, as a file to play."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

from eyespot.edge.layout import StateLayout
from eyespot.kernel.clock import NS_PER_S, from_seconds
from eyespot.kernel.errors import invalid, not_found
from eyespot.record.export import export_clip
from eyespot.record.index import SegmentIndex


def moment_ns(text: str) -> int:
    """Wall time of ``text`` (ISO 8601; without an offset this machine's time); raises ``INVALID``."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * NS_PER_S)
    except (ValueError, OverflowError, OSError) as error:
        raise invalid(f"'{text[:40]}' is no time.", "Write for example 2026-05-04T13:30:00.") from error


def archived_clip(state: Path, camera: str, at_wall_ns: int, for_s: float, out: Path) -> Path:
    """Write ``for_s`` seconds of what ``camera`` recorded from ``at_wall_ns`` on to ``out``, an MP4. Blocks.

    Raises ``INVALID`` for a state folder without an archive, ``NOT_FOUND`` where there is no footage of then.
    """
    layout = StateLayout(state.absolute())
    if not layout.index_db.is_file():
        raise invalid(f"{state} has no archive.", "Name the state folder of a host with --state.")
    with closing(SegmentIndex(layout.index_db)) as index:
        recorded = sorted({(one.camera, one.stream) for one in index.all()})
        streams = [stream for name, stream in recorded if name == camera]
        if not streams:
            known = ", ".join(dict.fromkeys(name for name, _ in recorded)) or "none"
            raise not_found(f"Nothing was recorded of a camera '{camera[:64]}'.", f"Recorded were: {known}.")
        return export_clip(index, camera, streams[0], at_wall_ns, at_wall_ns + from_seconds(for_s), out).path
