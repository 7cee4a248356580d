"""The encoder gives what every reader needs: no delay, a key frame a second, ready-made configuration."""

from pathlib import Path

import av
import numpy as np
import pytest

from eyespot.hal.sensors.encode import H264Encoder, encode_once
from eyespot.kernel.errors import EyespotError, Kind


def picture(shift: int, *, size: tuple[int, int] = (96, 160), pixels: str = "yuv420p") -> av.VideoFrame:
    rows = size[0] * 3 // 2 if pixels == "yuv420p" else size[0]
    shape = (rows, size[1]) if pixels == "yuv420p" else (rows, size[1], 3)
    base = np.random.default_rng(3).integers(16, 235, shape, dtype=np.uint8)
    return av.VideoFrame.from_ndarray(np.roll(base, shift, axis=1), pixels)


def test_every_picture_comes_out_at_once() -> None:
    encoder = H264Encoder(160, 96, 5)
    assert encoder.format.configuration[:1] == b"\x01"
    keys = []
    for index in range(12):
        (made,) = encoder.encode(picture(index), index * 200_000_000)
        assert made.capture_ns == index * 200_000_000
        assert int.from_bytes(made.data[:4], "big") <= len(made.data) - 4
        keys.append(made.is_key)
    assert [n for n, key in enumerate(keys) if key] == [0, 5, 10]


def test_other_sizes_and_pixel_formats_are_converted() -> None:
    encoder = H264Encoder(161, 97, 5)
    assert (encoder.format.width_px, encoder.format.height_px) == (160, 96)
    (made,) = encoder.encode(picture(0, size=(97, 161), pixels="rgb24"), 0)
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = encoder.format.configuration
    (frame,) = decoder.decode(av.Packet(made.data))  # type: ignore[attr-defined]
    assert (frame.width, frame.height) == (160, 96)


def test_stopping_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tmp_path / "old.avi"
    with av.open(str(source), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(10):
            out.mux(stream.encode(picture(index)))
        out.mux(stream.encode(None))
    told: list[float] = []
    with pytest.raises(EyespotError) as error:
        encode_once(source, tmp_path / "cache", progress=told.append, aborted=lambda: len(told) >= 2)
    assert error.value.kind is Kind.UNAVAILABLE
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
    kept = encode_once(source, tmp_path / "cache", progress=told.append, aborted=lambda: False)
    assert kept.stat().st_size > 1000


def test_a_source_that_vanished_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match=r"There is no .*gone\.avi") as error:
        encode_once(tmp_path / "gone.avi", tmp_path, progress=lambda part: None, aborted=lambda: False)
    assert error.value.kind is Kind.INVALID
