"""`eyespot app run`: which lines are new, and whether objects are detected."""

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
