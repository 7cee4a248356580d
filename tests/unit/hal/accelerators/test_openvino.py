"""OpenVINO's GPU and NPU are offered only where the kernel knows one of Intel's."""

from pathlib import Path

from eyespot.hal.accelerators.openvino import GPU, NPU, OpenVino, has_intel


def test_the_makers_of_devices_are_told_apart(tmp_path: Path) -> None:
    for number, vendor in enumerate(["0x1002\n", "0x8086\n"]):
        device = tmp_path / f"drm/renderD{128 + number}/device"
        device.mkdir(parents=True)
        (device / "vendor").write_text(vendor)
        assert has_intel("drm/renderD*", tmp_path) is (number == 1)
    assert not has_intel("accel/accel*", tmp_path)


def test_what_is_absent_says_so() -> None:
    for device in (GPU, NPU):
        found = OpenVino(device).presence()
        assert found.usable or (found.why_not and found.todo)
