"""The machine's time zone for services: read from its file, and meaning the same to the C library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.edge.services.time_zone import posix_time_zone

DATA = Path("/usr/share/zoneinfo")
SHOW = "import time; print([time.localtime(at)[:5] for at in (1_790_000_000, 1_800_000_000)])"


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Kolkata", "America/New_York", "UTC"])
def test_it_means_the_same_without_the_data_base(name: str) -> None:
    if not (DATA / name).exists():
        pytest.skip("the time zone data base is not here: apt-get install tzdata")
    zone = posix_time_zone(DATA / name)
    shown = [
        subprocess.run(
            [sys.executable, "-c", SHOW], env={**os.environ, "TZ": tz}, capture_output=True, check=True
        ).stdout
        for tz in (name, zone)
    ]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("content", [b"", b"TZif", b"no zone\nCET-1\n", b"TZif2\n$(reboot)\n"])
def test_what_is_no_zone_is_utc(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "localtime").write_bytes(content)
    assert posix_time_zone(tmp_path / "localtime") == "UTC0"
    assert posix_time_zone(tmp_path / "gone") == "UTC0"
