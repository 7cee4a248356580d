"""What libcamera finds, as `eyespot board` and `eyespot doctor` tell it."""

import json
from pathlib import Path

import pytest

from eyespot.edge.config import CameraHostConfig
from eyespot.edge.doctor_libcamera import libcamera_problems
from eyespot.hal.board.libcamera import look_for_libcamera
from eyespot.hal.board.roots import Roots
from eyespot.hal.libcamera.binding import Found, find
from eyespot.hal.libcamera.listing import Listing, listed

HERE = Found(None, True, "Python binding")
TWO = Listing(True, "v0.7.2", ("/base/imx708@1a", "/base/imx219@10"))


def test_cameras_are_told_by_number_and_name() -> None:
    found = listed(lambda: HERE, lambda: json.dumps({"version": "v0.7.2", "cameras": list(TWO.cameras)}))
    assert found == TWO
    first, second = look_for_libcamera(Roots(), lambda: found)
    assert (first.name, first.usable, first.tested) == ("libcamera:0", True, False)
    assert "/base/imx219@10" in second.what
    assert 'source = "libcamera:1"' in second.todo


@pytest.mark.parametrize("printed", ["", "no JSON", "[]", "{}", '{"version": "v0", "cameras": 3}'])
def test_a_library_that_does_not_answer(printed: str) -> None:
    found = listed(lambda: HERE, lambda: printed)
    assert "does not answer" in found.wrong
    (item,) = look_for_libcamera(Roots(), lambda: found)
    assert not item.usable


def test_a_binding_for_another_python_is_told() -> None:
    other = Found(None, False, "its Python binding is for Python 3.13, this is 3.11")
    (item,) = look_for_libcamera(Roots(), lambda: listed(lambda: other))
    assert "3.13" in item.what
    assert "python3-libcamera" in item.todo


def test_without_libcamera_nothing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(look_for_libcamera(Roots(), lambda: listed(lambda: None))) == []
    (tmp_path / "cam").touch(mode=0o755)
    (item,) = look_for_libcamera(Roots(), lambda: listed(lambda: None))
    assert "without its Python binding" in item.what


def test_no_camera_is_no_mistake() -> None:
    (item,) = look_for_libcamera(Roots(), lambda: Listing(True, "v0.7.2"))
    assert (item.usable, item.what) == (False, "v0.7.2 finds no camera")


def config(source: str) -> CameraHostConfig:
    document = {"camera": [{"id": "yard", "stream": [{"name": "main", "source": source}], "imaging": {"gain": 6}}]}
    return CameraHostConfig.model_validate(document)


def test_the_doctor_knows_whether_a_configured_camera_is_there() -> None:
    assert list(libcamera_problems(config("/dev/video0"), lambda: pytest.fail("asked"))) == []
    assert list(libcamera_problems(config("libcamera:1"), lambda: TWO)) == [None]
    assert list(libcamera_problems(config("libcamera:///base/imx219@10"), lambda: TWO)) == [None]
    (nameless,) = libcamera_problems(config("libcamera:"), lambda: TWO)
    assert nameless is not None
    assert "names no camera" in nameless[0]
    (missing,) = libcamera_problems(config("libcamera:2"), lambda: TWO)
    assert missing is not None
    assert "no camera '2'" in missing[0]
    (absent,) = libcamera_problems(config("libcamera:0"), lambda: Listing(False, wrong="it is not installed", todo="x"))
    assert absent == ("libcamera:0 cannot be used: it is not installed.", "x")


@pytest.mark.skipif(find() is None or not find().usable, reason="libcamera's Python binding is not installed")  # type: ignore[union-attr]
def test_the_real_library_answers() -> None:
    found = listed()
    assert (found.here, found.wrong) == (True, "")
    assert found.version.startswith("v")
