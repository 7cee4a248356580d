"""Folders for what is being looked at before it is installed. One whose maker died is found by its lock being free."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def incoming_folder(home: Path) -> Iterator[Path]:
    """A new empty folder (0700) below ``home``, removed at the end; locked meanwhile. Raises ``OSError``."""
    home.mkdir(mode=0o700, exist_ok=True)
    with _locked(home):
        folder = home / secrets.token_hex(6)
        folder.mkdir(mode=0o700)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def sweep_incoming(home: Path) -> None:
    """Remove the folders below ``home`` that nobody holds. Raises ``OSError``."""
    if not home.is_dir():
        return
    with _locked(home):
        for folder in home.iterdir():
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                pass  # its maker lives
            finally:
                os.close(held)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
