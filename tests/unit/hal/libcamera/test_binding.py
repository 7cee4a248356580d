"""libcamera's binding: where it is found, and whether the fake is like it.

Some tests here and beside need the real binding on the path, best a build of libcamera with `-Dpipelines=virtual
-Dpycamera=enabled`: its folder `src/py` in PYTHONPATH is enough.
"""

import json
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

from eyespot.hal.imaging.contract import MODE_OF
from eyespot.hal.imaging.libcamera import LibcameraImaging
from eyespot.hal.libcamera import binding
from eyespot.hal.libcamera.camera import Cameras
from eyespot.hal.libcamera.library import Library
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing import fake_libcamera, fake_libcamera_controls

RECORDED = Path(__file__).parent / "libcamera-0.7.2.json"
"""What the binding of libcamera 0.7.2 has, written by ``surface`` below."""
OWN = {
    "Camera": {
        "damaged",
        "descriptors",
        "formats",
        "full_range",
        "gone",
        "in_force",
        "orientations",
        "out_of_memory",
        "starts",
        "taken",
    },
    "CameraManager": {"finish"},
    "Request": {"asked"},
}
"""What the fakes have beside the binding's."""


def surface(module: Any) -> dict[str, Any]:
    """Classes with their attributes, controls with their members' numbers."""
    classes = {name: kind for name, kind in vars(module).items() if isinstance(kind, type)}
    return {
        "version": module.CameraManager.singleton().version,
        "classes": {name: sorted(public(kind)) for name, kind in sorted(classes.items())},
        "controls": members(module.controls),
        "draft": members(module.controls.draft),
    }


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def members(home: Any) -> dict[str, dict[str, int]]:
    found = {}
    for name in sorted(public(home) - {"draft", "rpi", "debug"}):
        if not name.endswith("Enum"):
            enum = getattr(home, f"{name}Enum", None)
            named = {} if enum is None else enum.__members__
            found[name] = {member: int(value) for member, value in named.items()}
    return found


def test_the_fake_has_nothing_that_the_binding_lacks() -> None:
    recorded = json.loads(RECORDED.read_text())["classes"]
    fake = fake_libcamera.FakeLibcamera()
    camera = fake.cameras[0]
    config = camera.generate_configuration([fake.StreamRole.VideoRecording])
    plane = fake.FrameBuffer.Plane(0, 0, 0)
    buffer = fake.FrameBuffer([plane])
    fakes = [camera, config, config.at(0), camera.create_request(), buffer, buffer.metadata, fake.Size(2, 2)]
    fakes += [fake.CameraManager.singleton(), fake.PixelFormat("NV12"), fake.FrameBufferAllocator(camera)]
    fakes += [next(iter(camera.controls.values())), fake.ColorSpace.Rec709()]
    for item in fakes:
        name = type(item).__name__
        has = {attribute for attribute in dir(item) if not attribute.startswith("_")}
        assert has - OWN.get(name, set()) <= set(recorded[name]), name
    for enum in (fake.StreamRole, fake.Orientation):
        assert set(enum.__members__) <= set(recorded[enum.__name__])


def test_the_fakes_controls_are_the_bindings() -> None:
    recorded = json.loads(RECORDED.read_text())
    ours = members(fake_libcamera_controls.CONTROLS)
    assert len(ours) > 15
    assert {name: recorded["controls"].get(name) for name in ours} == ours
    drafts = members(fake_libcamera_controls.CONTROLS.draft)
    assert {name: recorded["draft"].get(name) for name in drafts} == drafts
    assert fake_libcamera.Orientation.Rotate180 == recorded_number("Orientation", "Rotate180")


def recorded_number(name: str, member: str) -> int:
    return int(json.loads(RECORDED.read_text())["numbers"][name][member])


def test_where_the_binding_is_what_was_recorded_is_true() -> None:
    real = pytest.importorskip("libcamera", reason="libcamera's Python binding is not installed")
    recorded = json.loads(RECORDED.read_text())
    if real.CameraManager.singleton().version != recorded["version"]:
        pytest.skip("another release of libcamera")
    assert surface(real) == {name: recorded[name] for name in ("version", "classes", "controls", "draft")}


def test_found_for_this_python_or_told_for_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "libcamera"
    package.mkdir()
    if binding.find([]) is not None:
        pytest.skip("libcamera's Python binding is on the path")
    monkeypatch.syspath_prepend(tmp_path)  # a folder of this name, as libcamera's source is, is not the binding
    assert binding.find([tmp_path]) is None
    (package / "_libcamera.cpython-39-x86_64-linux-gnu.so").touch()
    other = binding.find([tmp_path])
    assert other is not None
    assert not other.usable
    assert "Python 3.9" in other.what
    with pytest.raises(EyespotError, match=r"is for Python 3\.9") as caught:
        binding.load([tmp_path])
    assert caught.value.kind is Kind.UNAVAILABLE
    (package / f"_libcamera{EXTENSION_SUFFIXES[0]}").touch()
    ours = binding.find([tmp_path])
    assert ours is not None
    assert ours.folder == package


def test_a_binding_that_does_not_start_leaves_nothing_behind(tmp_path: Path) -> None:
    package = tmp_path / "libcamera"
    package.mkdir()
    (package / "__init__.py").write_text("from ._libcamera import *\n")
    (package / f"_libcamera{EXTENSION_SUFFIXES[0]}").write_bytes(b"no library")
    if binding.find([]) is not None:
        pytest.skip("libcamera's Python binding is on the path")
    with pytest.raises(EyespotError, match="does not start"):
        binding.load([tmp_path])
    assert "libcamera" not in sys.modules


def test_without_a_binding(tmp_path: Path) -> None:
    if binding.find([]) is not None:
        pytest.skip("libcamera's Python binding is on the path")
    with pytest.raises(EyespotError, match="python3-libcamera"):
        binding.load([tmp_path])


def test_the_binding_takes_what_the_driver_asks_for() -> None:
    """Types alone: the binding refuses a number for a switch, or one number for an array."""
    real = pytest.importorskip("libcamera", reason="libcamera's Python binding is not installed")
    cameras = real.CameraManager.singleton().cameras
    if not cameras:
        pytest.skip("libcamera finds no camera, so there are no requests")
    ours = Cameras(Library(fake_libcamera.FakeLibcamera()))
    imaging = LibcameraImaging("libcamera:0", ours)
    asked: dict[str, Any] = {}
    for control, item in imaging.capabilities().items():
        imaging.apply(dict.fromkeys(set(MODE_OF.values()), "manual"))
        for value in item.options or (item.default, item.high if item.kind == "number" else item.default):
            imaging.apply({control: value})
            asked |= ours.get("libcamera:0").all_wanted()
    assert len(asked) > 15
    cameras[0].acquire()
    try:
        cameras[0].configure(cameras[0].generate_configuration([real.StreamRole.VideoRecording]))
        request = cameras[0].create_request()
        for name, value in asked.items():
            home = real.controls.draft if name == "NoiseReductionMode" else real.controls
            request.set_control(getattr(home, name), value)
        with pytest.raises(RuntimeError):
            request.set_control(real.controls.AeEnable, "yes")
    finally:
        cameras[0].release()
