"""A real camera host for the bench, detection off, so that what else it does is weighed alone."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eyespot.bench import camera_run, leash
from eyespot.kernel.errors import unavailable

START_S = 60.0
"""A host whose frames are not there by then is stuck."""


@contextmanager
def host_of(urls: list[str], state: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A host with a camera for each URL, recording, detection off; up when its packets can be read."""
    state.mkdir(parents=True)
    config = state / "config.toml"
    text = camera_run.host_config(urls, state, "[camera.detect]\nenabled = false\n")
    config.write_text(text, encoding="utf-8")
    where = ["--config", str(config), "--state", str(state)]
    command = [sys.executable, "-m", "eyespot.cli.main", "camera", "run", *where]
    with (state / "log.txt").open("wb") as log:
        host = leash.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until((state / "run" / "packets.sock").exists, host)
            yield host
        finally:
            camera_run.stop(host)


def until(condition: Callable[[], bool], host: "subprocess.Popen[bytes]") -> None:
    """Wait for ``condition``; raises ``UNAVAILABLE`` when it does not come true, or ``host`` ends."""
    begin_s = time.monotonic()
    while not condition():
        if host.poll() is not None or time.monotonic() - begin_s > START_S:
            raise unavailable("The camera host gives no frames.", "Run `eyespot doctor`.")
        time.sleep(0.1)
