"""Where the system shows its hardware, and how to read it without ever reading too much."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MAX_ENTRIES = 64
"""More of one kind are not looked at."""
_MAX_TEXT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Roots:
    """The three trees; tests look at made-up ones."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")


def entries(folder: Path, pattern: str) -> list[Path]:
    """What matches ``pattern`` below ``folder``, in order, at most ``MAX_ENTRIES``; empty where it cannot be read."""
    try:
        return sorted(islice(folder.glob(pattern), MAX_ENTRIES), key=lambda path: (len(path.name), path.name))
    except OSError:
        return []


def text(path: Path, most_bytes: int = _MAX_TEXT_BYTES) -> str:
    """The text of ``path`` without surrounding white space and zeros; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most_bytes).decode("utf-8", errors="replace").strip("\0 \t\r\n")
    except OSError:
        return ""


def link_name(path: Path) -> str:
    """The last part of where the link ``path`` leads, such as a driver's name; empty where there is none."""
    try:
        return path.resolve(strict=True).name
    except OSError:
        return ""
