"""Live pictures are encoded by whoever was chosen, and by software after that one failed; readers see a new format."""

import av
import numpy as np
import pytest

from eyespot.contracts.packet import VideoFormat
from eyespot.hal.sensors.encode import Encoded
from eyespot.hal.sensors.live_encode import MAX_SILENT, HardwareEncoder, LiveEncoder
from eyespot.kernel.errors import EyespotError

AT_ONCE = {"tune": "zerolatency", "preset": "ultrafast"}
STEP_NS = 200_000_000


def picture(shift: int, size: tuple[int, int] = (96, 160)) -> av.VideoFrame:
    base = np.random.default_rng(3).integers(16, 235, (size[0] * 3 // 2, size[1]), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(np.roll(base, shift, axis=1), "yuv420p")


def decoded(form: VideoFormat, packets: list[Encoded]) -> list[tuple[int, int]]:
    context = av.CodecContext.create("h264", "r")
    context.extradata = form.configuration
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet.data))]  # type: ignore[attr-defined]
    return [(frame.width, frame.height) for frame in frames]


class Chooser:
    """Chooses ``name`` until it failed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures: list[str] = []

    def encoder(self, wanted: str) -> str:
        return "libx264" if self.failures else self.name

    def failed(self, name: str, why: str) -> None:
        self.failures.append(f"{name}: {why}")


def test_an_encoder_that_tells_its_parameter_sets_with_pictures_alone_is_framed_like_all_others() -> None:
    """x264 without a global header, as hardware does it."""
    encoder = HardwareEncoder("libx264", 161, 97, 5, AT_ONCE)
    assert encoder.format.configuration[:1] == b"\x01"
    made = [one for index in range(12) for one in encoder.encode(picture(index), index * STEP_NS)]
    assert [one.capture_ns for one in made] == [index * STEP_NS for index in range(12)]
    assert [index for index, one in enumerate(made) if one.is_key] == [0, 5, 10]
    assert all(int.from_bytes(one.data[:4], "big") <= len(one.data) - 4 for one in made)
    assert decoded(encoder.format, made) == [(160, 96)] * 12
    assert decoded(encoder.format, made[5:]) == [(160, 96)] * 7, "a reader can begin at a key frame"


@pytest.mark.parametrize("name", ["h264_v4l2m2m", "h264_no_such_hardware"])
def test_an_encoder_that_cannot_be_opened_gives_way_to_software(name: str) -> None:
    chooser = Chooser(name)
    encoder = LiveEncoder(5, encoders=chooser)
    form, first = encoder.encode(picture(0), 0)
    assert isinstance(form, VideoFormat)
    assert isinstance(first, Encoded)
    assert decoded(form, [first]) == [(160, 96)]
    assert len(chooser.failures) == 1


@pytest.mark.parametrize("fault", ["raises", "silent"])
def test_an_encoder_that_fails_in_use_gives_way_and_the_picture_is_not_lost(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chooser = Chooser("h264_fake")
    made = HardwareEncoder("libx264", 160, 96, 5, AT_ONCE)
    encoder = LiveEncoder(5, encoders=chooser, open_hardware=lambda *_: made)
    before = list(encoder.encode(picture(0), 0))
    assert [type(one) for one in before] == [VideoFormat, Encoded]

    def broken(_frame: object, _capture_ns: int) -> list[Encoded]:
        if fault == "raises":
            raise av.error.ExternalError(-1, "the device is gone")
        return []

    monkeypatch.setattr(made, "encode", broken)
    after = [one for index in range(1, MAX_SILENT + 2) for one in encoder.encode(picture(index), index * STEP_NS)]
    assert isinstance(after[0], VideoFormat), "readers begin anew"
    pictures = [one for one in after if isinstance(one, Encoded)]
    assert pictures[0].is_key
    assert len(pictures) == (MAX_SILENT + 1 if fault == "raises" else 2)
    assert len(chooser.failures) == 1


def test_an_encoder_without_parameter_sets_is_refused() -> None:
    with pytest.raises(EyespotError, match=r"no H\.264 parameter sets"):
        HardwareEncoder("libvpx", 160, 96, 5)


def test_a_change_of_size_is_a_new_format() -> None:
    encoder = LiveEncoder(5)
    made = [
        one
        for index, size in enumerate([(96, 160), (96, 160), (48, 80)])
        for one in encoder.encode(picture(0, size), index * STEP_NS)
    ]
    assert [type(one) for one in made] == [VideoFormat, Encoded, Encoded, VideoFormat, Encoded]
