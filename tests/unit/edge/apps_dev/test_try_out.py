"""`eyespot app run`: a service on a host of its own, installed again when its code changes; which lines are new."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.contracts.service import read_manifest
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.edge.apps_dev.try_out import fresh, needs_detection

APPS = Path(__file__).parents[4] / "examples" / "apps"


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ("", "ab", "ab"),
        ("ab", "ab", ""),
        ("ab", "abc", "c"),
        ("abc", "bcd", "d"),
        ("ab", "xy", "xy"),
        ("aa", "aaa", "a"),
    ],
)
def test_only_new_lines_are_told(before: str, now: str, new: str) -> None:
    assert list(fresh(list(before), list(now))) == list(new)


def test_objects_are_detected_for_whoever_uses_them(tmp_path: Path) -> None:
    assert needs_detection(read_manifest(APPS / "people-counter"))
    assert not needs_detection(read_manifest(scaffold("fresh", tmp_path)))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap")
def test_a_service_is_tried_and_tried_again_when_it_changes(tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    manifest = folder / "service.toml"
    manifest.write_text(manifest.read_text().replace("default = 40", "default = 254"))
    command = [sys.executable, "-m", "eyespot.cli.main", "app", "run", str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    told = []
    try:
        for line in child.stdout:
            told.append(line.strip())
            if line.startswith("event: fresh.dark camera-1"):
                if (folder / "changed").exists():
                    break
                (folder / "changed").touch()
                manifest.write_text("[service]")
            if line.startswith("not used:"):
                manifest.write_text((tmp_path / "good").read_text())
            elif not (tmp_path / "good").exists():
                shutil.copy(manifest, tmp_path / "good")
    finally:
        child.terminate()
        child.communicate()
    assert len([line for line in told if line.startswith("installed fresh 0.1.0")]) == 2
    assert [line for line in told if line.startswith("not used: service.toml")]
    assert child.returncode == 0
