"""Streams made again: upright and masked, in the camera's own time, and nothing gets past."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from eyespot.contracts.lens import Orientation, Polygon, View
from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, Unit, VideoFormat
from eyespot.hal.sensors.encode import Colours, H264Encoder
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media import transcode
from eyespot.media.decode import Decoder, Frame
from eyespot.media.lens import upright
from eyespot.media.pixels import Pixels, plane_rows
from eyespot.media.transcode import Painter, Transcoder
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

SQUARE: Polygon = ((0.25, 0.25), (0.5, 0.25), (0.5, 0.75), (0.25, 0.75))
MASKED = View(masks=(SQUARE,))
SCENE = SceneSettings(width_px=160, height_px=96, fps=10, people=2)
CLOSE = 4.0
"""Mean difference in brightness after one more encoding."""


@pytest.fixture(scope="module")
def clip() -> tuple[StreamFormat, list[Packet]]:
    return encode_scene(SyntheticScene(SCENE), 30, start_ns=NS_PER_S)


def made_of(view: View, stream: StreamFormat, packets: Sequence[Packet]) -> tuple[list[Unit], Transcoder]:
    transcoder = Transcoder(view)
    units = [made for unit in (stream, *packets) for made in transcoder.take(unit)]
    return [*units, *transcoder.finish()], transcoder


def decoded(units: Sequence[Unit]) -> list[Frame]:
    decoder: Decoder | None = None
    frames: list[Frame] = []
    for unit in units:
        if isinstance(unit, StreamFormat):
            decoder = Decoder(unit.video)
        elif decoder is not None:
            frames += decoder.decode(unit)
    assert decoder is not None
    return [*frames, *decoder.flush()]


def luma(frame: Frame) -> Pixels:
    return plane_rows(frame.picture, 0)[:, : frame.width_px]


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_inside_it_is_black_and_outside_it_is_the_scene(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    units, _ = made_of(MASKED, stream, packets)
    before, after = decoded([stream, *packets]), decoded(units)
    assert [frame.capture_ns for frame in after] == [frame.capture_ns for frame in before]
    for old, new in zip(before, after, strict=True):
        seen, was = luma(new), luma(old)
        assert seen[24:72, 40:80].max() <= 20
        for plane in (1, 2):
            hidden = plane_rows(new.picture, plane)[13:35, 21:39]
            assert hidden.min() >= 126
            assert hidden.max() <= 130
        assert difference(seen[:, 96:], was[:, 96:]) < CLOSE
        assert difference(seen[:16], was[:16]) < CLOSE


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True)])
def test_pictures_come_out_as_their_orientation_says(
    clip: tuple[StreamFormat, list[Packet]], degrees: Literal[0, 90, 180, 270], flips: tuple[bool, bool]
) -> None:
    stream, packets = clip
    orientation = Orientation(*flips, degrees)
    units, _ = made_of(View(orientation, masks=(SQUARE,)), stream, packets[:3])
    announced = units[0]
    assert isinstance(announced, StreamFormat)
    assert announced.view.orientation == orientation
    for old, new in zip(decoded([stream, *packets[:3]]), decoded(units), strict=True):
        wanted, seen = upright(luma(old), orientation), luma(new)
        assert seen.shape == wanted.shape == (announced.video.height_px, announced.video.width_px)
        right = seen.shape[1] * 5 // 8
        assert difference(seen[:, right:], wanted[:, right:]) < CLOSE
        tall, wide = seen.shape
        assert seen[tall // 4 : tall * 3 // 4, wide // 4 : wide // 2].max() <= 20


def test_odd_sides_lose_a_pixel_and_no_mask() -> None:
    picture = VideoFrame.from_ndarray(np.full((47, 63, 3), 200, np.uint8), "rgb24").reformat(format="yuv420p")
    painter = Painter(View(Orientation(degrees=90), masks=(((0.9, 0.9), (1, 0.9), (1, 1), (0.9, 1)),)), 63, 47,
                      full_range=False)  # fmt: skip
    made = painter.paint(picture)
    assert (made.width, made.height) == (46, 62)
    rows = plane_rows(made, 0)[:62, :46]
    assert (rows[56:, 41:] == 16).all()
    assert (rows[:50] > 100).all()


def test_times_durations_and_sound_are_carried_through(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    stream = replace(stream, audio=AudioFormat("aac", 8000, 1, b"\x12\x10"), wall_offset_ns=77)
    sound = Packet("audio", packets[0].capture_ns, packets[0].capture_ns, 5, True, b"tone")
    transcoder = Transcoder(MASKED)
    assert transcoder.take(stream) == []
    assert transcoder.take(sound) == []
    announced, *made = [unit for packet in packets for unit in transcoder.take(packet)]
    assert isinstance(announced, StreamFormat)
    assert (announced.audio, announced.wall_offset_ns, announced.view) == (stream.audio, 77, MASKED)
    pictures = [unit for unit in made if isinstance(unit, Packet)]
    assert [(one.capture_ns, one.decode_ns, one.duration_ns) for one in pictures] == [
        (one.capture_ns, one.capture_ns, one.duration_ns) for one in packets
    ]
    assert [index for index, one in enumerate(pictures) if one.is_key] == [0, 10, 20]
    (passed,) = transcoder.take(sound)
    assert passed is sound


def test_what_does_not_decode_is_withheld_and_counted(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    transcoder = Transcoder(MASKED)
    assert transcoder.take(packets[0]) == []
    transcoder.take(stream)
    assert transcoder.take(packets[1]) == []
    assert transcoder.counters()["packets_withheld"] == 2
    broken = replace(packets[0], data=b"\x00\x00\x00\x08\x65secret!")
    assert transcoder.take(broken) == []
    empty = replace(packets[0], data=b"")
    assert transcoder.take(empty) == []
    assert transcoder.counters() == {"pictures_made": 0, "packets_withheld": 4}
    assert len(transcoder.take(packets[0])) == 2


def test_a_damaged_picture_is_masked_like_any_other(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    spoiled = [one if one.is_key else replace(one, data=_garbled(one.data)) for one in packets]
    units, _ = made_of(MASKED, stream, spoiled)
    frames = decoded(units)
    assert len(frames) >= 10
    assert any(frame.picture.is_corrupt for frame in decoded([stream, *spoiled]))
    assert all(luma(frame)[24:72, 40:80].max() <= 20 for frame in frames)


def _garbled(data: bytes) -> bytes:
    """The latter half turned over, lengths left as they are."""
    half = len(data) // 2
    return data[:half] + bytes(byte ^ 0x55 for byte in data[half:])


def test_a_failing_encoder_lets_nothing_through(
    clip: tuple[StreamFormat, list[Packet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, packets = clip

    def fail(*_: Any, **__: Any) -> list[Any]:
        raise av.error.ExternalError(-1, "no more")

    monkeypatch.setattr(transcode.H264Encoder, "encode", fail)
    transcoder = Transcoder(MASKED)
    transcoder.take(stream)
    with pytest.raises(EyespotError) as caught:
        transcoder.take(packets[0])
    assert caught.value.kind is Kind.UNAVAILABLE


def test_a_stream_that_reorders_comes_out_in_order_and_whole() -> None:
    stream, packets = reordered(24)
    units, _ = made_of(MASKED, stream, packets)
    made = [unit for unit in units if isinstance(unit, Packet)]
    assert [one.capture_ns for one in made] == sorted(packet.capture_ns for packet in packets)
    assert all(one.decode_ns == one.capture_ns and one.duration_ns == 40 * NS_PER_MS for one in made)
    frames = decoded(units)
    assert len(frames) == 24
    assert all(luma(frame)[24:72, 40:80].max() <= 20 for frame in frames)


def test_a_new_format_begins_anew(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    other, small = encode_scene(SyntheticScene(SceneSettings(width_px=96, height_px=64, fps=10)), 3, start_ns=NS_PER_S)
    transcoder = Transcoder(MASKED)
    units = [made for unit in (stream, *packets[:3], other, *small) for made in transcoder.take(unit)]
    formats = [(unit.video.width_px, unit.video.height_px) for unit in units if isinstance(unit, StreamFormat)]
    assert formats == [(160, 96), (96, 64)]
    assert isinstance(units[5], Packet)
    assert units[5].is_key


def test_times_that_leap_are_passed_on_as_they_are(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    leaping = [replace(one, capture_ns=one.capture_ns - 500 * NS_PER_S, decode_ns=one.decode_ns - 500 * NS_PER_S)
               for one in packets[10:20]]  # fmt: skip
    units, _ = made_of(MASKED, stream, [*packets[:5], *leaping])
    made = [unit for unit in units if isinstance(unit, Packet)]
    assert [one.capture_ns for one in made] == [one.capture_ns for one in (*packets[:5], *leaping)]
    assert made[5].is_key


@pytest.mark.parametrize("full_range", [False, True])
def test_colours_mean_what_they_meant(full_range: bool) -> None:
    ramp = np.tile(np.linspace(0 if full_range else 16, 255 if full_range else 235, 128).astype(np.uint8), (64, 1))
    colours = Colours(full_range, matrix=1, primaries=1, transfer=1, pixel_aspect=Fraction(12, 11))
    encoder = H264Encoder(128, 64, 10, colours=colours)
    layout = "yuvj420p" if full_range else "yuv420p"
    picture = VideoFrame(128, 64, layout)
    plane_rows(picture, 0)[:64, :128] = ramp
    for plane in (1, 2):
        plane_rows(picture, plane)[:] = 128
    packets = [Packet("video", 0, 0, 0, one.is_key, one.data) for one in encoder.encode(picture, 0)]
    turned = View(Orientation(degrees=180))
    units, _ = made_of(turned, StreamFormat(encoder.format, None, 0), packets)
    (frame,) = decoded(units)
    seen = frame.picture
    assert seen.format.name == layout
    assert (seen.colorspace, seen.color_primaries, seen.color_trc) == (1, 1, 1)
    assert difference(luma(frame), ramp[:, ::-1]) < CLOSE
    assert isinstance(units[0], StreamFormat)
    assert isinstance(units[1], Packet)
    decoder = Decoder(units[0].video)
    decoder.decode(units[1])
    assert decoder.pixel_aspect == Fraction(12, 11)


def test_keys_come_each_second_at_any_rate(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    slow = [replace(one, capture_ns=index * NS_PER_S // 3, decode_ns=index * NS_PER_S // 3)
            for index, one in enumerate(packets)]  # fmt: skip
    units, _ = made_of(MASKED, stream, slow)
    keys = [unit.capture_ns for unit in units if isinstance(unit, Packet) and unit.is_key]
    assert all(NS_PER_S <= later - sooner <= NS_PER_S * 4 // 3 for sooner, later in pairwise(keys))
    assert len(keys) >= 7


def reordered(count: int) -> tuple[StreamFormat, list[Packet]]:
    """H.264 with two B-frames between others, as cameras of the better sort send it."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 160, 96, "yuv420p"
    context.time_base = context.framerate = Fraction(1, 25)
    context.framerate = Fraction(25)
    context.flags |= 1 << 22  # global header
    context.options = {"preset": "veryfast", "x264-params": "annexb=0:bframes=2:b-adapt=0:keyint=12"}
    context.open()
    scene = SyntheticScene(SCENE)
    encoded: list[Any] = []
    for index in range(count):
        luma_plane, *_ = scene.render(index)
        frame = VideoFrame.from_ndarray(np.repeat(luma_plane[..., None], 3, axis=2), "rgb24").reformat(format="yuv420p")
        frame.pts = index
        encoded += context.encode(frame)
    encoded += context.encode(None)
    step = 40 * NS_PER_MS
    packets = [Packet("video", NS_PER_S + one.pts * step, NS_PER_S + (one.dts - 2) * step, step, one.is_keyframe,
                      bytes(one)) for one in encoded]  # fmt: skip
    return StreamFormat(VideoFormat("h264", 160, 96, bytes(context.extradata)), None, 0), packets
