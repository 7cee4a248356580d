"""V4L2 controls: the kernel's own layouts, and what differs between devices."""

import ctypes
import errno
import shutil
import subprocess
from pathlib import Path

import pytest

from eyespot.hal.imaging import v4l2_abi as abi
from eyespot.hal.imaging.chooser import open_imaging
from eyespot.hal.imaging.contract import Control
from eyespot.hal.imaging.v4l2 import V4l2Imaging
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing import fake_v4l2

HEADER = Path("/usr/include/linux/videodev2.h")
STRUCTS = {
    "v4l2_query_ext_ctrl": abi.QueryExtCtrl,
    "v4l2_querymenu": abi.QueryMenu,
    "v4l2_ext_control": abi.ExtControl,
    "v4l2_ext_controls": abi.ExtControls,
}
SKIPPED_FIELDS = {"value_high", "reserved"}


@pytest.mark.skipif(not HEADER.exists() or not shutil.which("cc"), reason="needs the kernel's headers and a C compiler")
def test_layouts_are_the_kernels(tmp_path: Path) -> None:
    lines, wanted = [], []
    for name, structure in STRUCTS.items():
        lines.append(f'printf("%zu\\n", sizeof(struct {name}));')
        wanted.append(ctypes.sizeof(structure))
        for field, *_ in structure._fields_:
            if field not in SKIPPED_FIELDS:
                lines.append(f'printf("%zu\\n", offsetof(struct {name}, {field}));')
                wanted.append(getattr(structure, field).offset)
    for request in ("QUERYMENU", "G_EXT_CTRLS", "S_EXT_CTRLS", "QUERY_EXT_CTRL"):
        lines.append(f'printf("%lu\\n", (unsigned long)VIDIOC_{request});')
        wanted.append(getattr(abi, f"VIDIOC_{request}"))
    for constant in [name for name in dir(abi) if name.startswith(("CID_", "CTRL_FLAG_"))]:
        lines.append(f'printf("%lu\\n", (unsigned long)V4L2_{constant});')
        wanted.append(getattr(abi, constant))
    for kind in ("INTEGER", "BOOLEAN", "MENU"):
        lines.append(f'printf("%d\\n", V4L2_CTRL_TYPE_{kind});')
        wanted.append(getattr(abi, f"TYPE_{kind}"))
    source = tmp_path / "layout.c"
    body = "\n".join(lines)
    source.write_text(
        f"#include <stdio.h>\n#include <stddef.h>\n#include <linux/videodev2.h>\nint main(void) {{ {body} return 0; }}"
    )
    subprocess.run(["cc", "-o", str(tmp_path / "layout"), str(source)], check=True)
    printed = subprocess.run([str(tmp_path / "layout")], check=True, capture_output=True, text=True).stdout
    assert [int(line) for line in printed.split()] == wanted


def test_units_of_a_usb_camera() -> None:
    device = fake_v4l2.FakeV4l2()
    imaging = V4l2Imaging("/dev/video0", device.ioctl)
    offered = imaging.capabilities()
    assert (offered[Control.EXPOSURE].low, offered[Control.EXPOSURE].high) == pytest.approx((0.0003, 0.2047))
    assert offered[Control.GAIN].unit == "device"
    assert offered[Control.SHARPNESS].step == pytest.approx(0.25)
    assert offered[Control.EXPOSURE_MODE].options == ("auto", "manual")
    assert Control.DAY_NIGHT not in offered
    assert Control.ROTATION not in offered
    imaging.apply({Control.EXPOSURE_MODE: "manual", Control.EXPOSURE: 0.01, Control.SHARPNESS: 0.75})
    assert device.values[abi.CID_EXPOSURE_AUTO] == 1
    assert device.values[abi.CID_EXPOSURE_ABSOLUTE] == 100
    assert device.values[abi.CID_SHARPNESS] == 75
    imaging.apply({Control.EXPOSURE_MODE: "auto"})
    assert device.values[abi.CID_EXPOSURE_AUTO] == 3  # aperture priority: it has no full auto


def test_the_analogue_gain_of_a_sensor_goes_before() -> None:
    controls = {**fake_v4l2.USB_CAMERA, abi.CID_ANALOGUE_GAIN: (abi.TYPE_INTEGER, 16, 248, 1, 16)}
    device = fake_v4l2.FakeV4l2(controls)
    imaging = V4l2Imaging("/dev/v4l-subdev0", device.ioctl)
    imaging.apply({Control.EXPOSURE_MODE: "manual", Control.GAIN: 32.0})
    assert device.values[abi.CID_ANALOGUE_GAIN] == 32
    assert device.values[abi.CID_GAIN] == 0


@pytest.mark.parametrize("flag", [abi.CTRL_FLAG_DISABLED, abi.CTRL_FLAG_READ_ONLY, abi.CTRL_FLAG_WRITE_ONLY])
def test_what_cannot_be_used_is_not_offered(flag: int) -> None:
    device = fake_v4l2.FakeV4l2()
    device.flags[abi.CID_GAIN] = flag
    assert Control.GAIN not in V4l2Imaging("/dev/video0", device.ioctl).capabilities()


def test_absurd_ranges_are_not_offered() -> None:
    device = fake_v4l2.FakeV4l2({abi.CID_GAIN: (abi.TYPE_INTEGER, 5, 5, 0, 5), abi.CID_HFLIP: (9, 0, 1, 1, 0)})
    assert V4l2Imaging("/dev/video0", device.ioctl).capabilities() == {}


def test_a_camera_pulled_out_is_unavailable() -> None:
    device = fake_v4l2.FakeV4l2()
    imaging = V4l2Imaging("/dev/video0", device.ioctl)
    device.failure = errno.ENODEV
    for action in (imaging.read, lambda: imaging.apply({Control.SHARPNESS: 1.0})):
        with pytest.raises(EyespotError, match="does not answer") as caught:
            action()
        assert caught.value.kind is Kind.UNAVAILABLE


def test_a_device_in_use_refuses() -> None:
    device = fake_v4l2.FakeV4l2()

    def busy(request: int, structure: ctypes.Structure) -> None:
        if request == abi.VIDIOC_S_EXT_CTRLS:
            raise OSError(errno.EBUSY, "Device or resource busy")
        device.ioctl(request, structure)

    with pytest.raises(EyespotError, match="refuses sharpness now") as caught:
        V4l2Imaging("/dev/video0", busy).apply({Control.SHARPNESS: 1.0})
    assert caught.value.kind is Kind.UNAVAILABLE


def test_opening_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="no camera at"):
        V4l2Imaging(str(tmp_path / "video9"))
    with pytest.raises(EyespotError, match="Only local devices"):
        open_imaging("rtsp://camera/stream")


def test_a_file_that_is_no_device_offers_nothing(tmp_path: Path) -> None:
    file = tmp_path / "video0"
    file.write_bytes(b"")
    imaging = V4l2Imaging(str(file))  # the real ioctl, refused by the kernel
    assert imaging.capabilities() == {}
    imaging.close()
