"""Which cameras libcamera finds, asked in a process of its own: a driver that hangs or crashes costs nothing else.

Run as a program it prints one line of JSON.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from eyespot.hal.libcamera.binding import TODO, Found, find

LIMIT_S = 10.0
Ask = Callable[[], str]
"""Starts the program; what it printed, empty when it came to nothing."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What libcamera is here.

    Attributes:
        here: any part of it is installed.
        version: libcamera's own; empty when it does not answer.
        cameras: its names of the cameras, in its order: the first is ``libcamera:0``.
        wrong: why it cannot be used; empty when it can.
        todo: what would help.
    """

    here: bool
    version: str = ""
    cameras: tuple[str, ...] = ()
    wrong: str = ""
    todo: str = ""


def listed(found: Callable[[], Found | None] = find, ask: Ask | None = None) -> Listing:
    """Look for libcamera and ask it for its cameras; waits ``LIMIT_S`` at most and never raises."""
    binding = found()
    if binding is None:
        if shutil.which("cam") is None:
            return Listing(False, wrong="it is not installed", todo=TODO)
        return Listing(True, wrong="it is here without its Python binding", todo=TODO)
    if not binding.usable:
        return Listing(True, wrong=binding.what, todo=TODO)
    try:
        told = json.loads((ask or _ask)())
        return Listing(True, str(told["version"]), tuple(str(name) for name in told["cameras"]))
    except (ValueError, KeyError, TypeError):
        return Listing(True, wrong=f"{binding.what} does not answer", todo="`cam -l` may say more.")


def _ask() -> str:
    command = [sys.executable, "-m", "eyespot.hal.libcamera.listing"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT_S
        )
    except (subprocess.TimeoutExpired, OSError):
        return ""
    return done.stdout.decode("utf-8", errors="replace").strip().rpartition("\n")[2]


def main() -> None:
    """Print what libcamera finds; whatever it raises ends the program."""
    from eyespot.hal.libcamera.binding import load
    from eyespot.hal.libcamera.library import Library

    library = Library(load())
    print(json.dumps({"version": library.version, "cameras": library.names()}), flush=True)


if __name__ == "__main__":
    main()
