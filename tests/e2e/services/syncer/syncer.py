"""Keeps the disk busy within its own storage: writes and syncs without pause, small and large."""

import os
import threading
from pathlib import Path

from eyespot.sdk import Service

SCRATCH = Path(os.environ.get("EYESPOT_SCRATCH", "/scratch"))


class Syncer(Service):
    def on_start(self):
        threading.Thread(target=write_on_and_on, daemon=True).start()


def write_on_and_on():
    with (SCRATCH / "busy").open("wb") as file:
        while True:
            for size in (1 << 12, 1 << 20):
                os.pwrite(file.fileno(), bytes(size), 0)
                os.fsync(file.fileno())
