"""What V4L2 devices say of themselves, by answers laid out as the kernel lays them out."""

import errno
import struct
from typing import Any

import pytest

from eyespot.hal.board.devices import describe_camera

CAPTURE, M2M_MPLANE, STREAMING, DEVICE_CAPS, META = 0x1, 0x4000, 0x4000000, 0x80000000, 0x800000


def driver(name: bytes, card: bytes, caps: int, formats: dict[int, list[bytes]] | None = None):  # type: ignore[no-untyped-def]
    """A driver that answers VIDIOC_QUERYCAP and VIDIOC_ENUM_FMT (linux/videodev2.h)."""

    def answer(request: int, layout: struct.Struct, question: bytes) -> tuple[Any, ...]:
        assert layout.size == request >> 16 & 0x3FFF, "the request number carries the size"
        if request & 0xFF == 0:
            raw = struct.pack("=16s32s32sIII12x", name, card, b"platform", 0x60100, caps | DEVICE_CAPS | 0xF, caps)
        else:
            index, queue = struct.unpack_from("=II", question)
            listed = (formats or {}).get(queue, [])
            if index >= len(listed):
                raise OSError(errno.EINVAL, "Invalid argument")
            raw = struct.pack("=III32s4sI12x", index, queue, 1, b"coded", listed[index], 0)
        return layout.unpack(raw)

    return answer


def test_a_camera_is_a_sensor() -> None:
    item = describe_camera("/dev/video0", driver(b"uvcvideo", b"Made Up Cam", CAPTURE | STREAMING))
    assert (item.kind, item.usable) == ("sensor", True)
    assert item.what == "camera Made Up Cam (driver uvcvideo)"
    assert '"/dev/video0"' in item.todo


def test_a_codec_tells_what_it_codes() -> None:
    formats = {10: [b"H264", b"S264", b"HEVC", b"NV12"], 9: [b"NV12", b"JPEG"]}
    item = describe_camera("/dev/video11", driver(b"made-up", b"codec", M2M_MPLANE | STREAMING, formats))
    assert (item.kind, item.usable) == ("codec", True)
    assert "decodes H.264, H.265; encodes JPEG" in item.what


def test_a_scaler_codes_nothing_and_metadata_is_no_camera() -> None:
    scaler = describe_camera("/dev/video12", driver(b"made-up", b"scaler", M2M_MPLANE, {9: [b"NV12"], 10: [b"YUYV"]}))
    assert (scaler.kind, scaler.usable) == ("codec", False)
    meta = describe_camera("/dev/video1", driver(b"uvcvideo", b"Made Up Cam", META))
    assert (meta.kind, meta.usable) == ("sensor", False)


def test_names_cannot_steer_a_terminal() -> None:
    item = describe_camera("/dev/video0", driver(b"x", b"\x1b[2Jcam\0rest", CAPTURE))
    assert item.what == "camera ?[2Jcam (driver x)"


def test_a_driver_that_never_ends_its_list_is_bounded() -> None:
    class Endless(list[bytes]):
        def __len__(self) -> int:
            return 1 << 30

        def __getitem__(self, _: object) -> bytes:  # type: ignore[override]
            return b"H264"

    item = describe_camera("/dev/video9", driver(b"x", b"y", M2M_MPLANE, {9: Endless(), 10: Endless()}))
    assert item.what.count("H.264") == 2


def test_a_refusal_is_an_os_error() -> None:
    def refuses(*_: object) -> tuple[Any, ...]:
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    with pytest.raises(OSError, match="Inappropriate"):
        describe_camera("/dev/video0", refuses)
