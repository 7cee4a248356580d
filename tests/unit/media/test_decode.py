"""Pictures come out at once, in the asked sizes and orders; damage is counted, never raised."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, VideoFormat
from eyespot.kernel.errors import EyespotError
from eyespot.media.decode import Decoder, Frame
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

SCENE = SyntheticScene(SceneSettings(width_px=320, height_px=180, people=2, seed=5))
FORMAT, PACKETS = encode_scene(SCENE, 25, start_ns=1_000)


def first_frame() -> Frame:
    return Decoder(FORMAT.video).decode(PACKETS[0])[0]


def reordering_stream() -> tuple[VideoFormat, list[Packet]]:
    """Footage with B-frames, as its decoder configuration and packets."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 160, 96, "yuv420p"  # type: ignore[attr-defined]
    context.time_base = Fraction(1, 25)
    context.flags |= av.codec.context.Flags.global_header
    context.options = {"x264-params": "annexb=0:keyint=12:bframes=3:b-adapt=0"}
    context.open()
    rng = np.random.default_rng(1)
    base = rng.integers(0, 255, (144, 160), dtype=np.uint8)
    packets = []
    frames: list[av.VideoFrame | None] = [
        av.VideoFrame.from_ndarray(np.roll(base, shift, axis=1), "yuv420p") for shift in range(24)
    ]
    for index, frame in enumerate([*frames, None]):
        if frame is not None:
            frame.pts = index
        for made in context.encode(frame):  # type: ignore[attr-defined]
            packets.append(Packet("video", made.pts, made.dts, 0, made.is_keyframe, bytes(made)))
    return VideoFormat("h264", 160, 96, bytes(context.extradata or b"")), packets


def test_every_packet_gives_its_picture_at_once() -> None:
    decoder = Decoder(FORMAT.video)
    for packet in PACKETS:
        frames = decoder.decode(packet)
        assert [frame.capture_ns for frame in frames] == [packet.capture_ns]
        assert (frames[0].width_px, frames[0].height_px) == (320, 180)
        assert frames[0].is_key == packet.is_key
    assert (decoder.stats.packets, decoder.stats.frames, decoder.stats.corrupt) == (25, 25, 0)


def test_the_picture_is_the_one_that_was_rendered() -> None:
    decoder = Decoder(FORMAT.video)
    for index, packet in enumerate(PACKETS):
        luma = decoder.decode(packet)[0].grey(320, 180)
        truth = SCENE.render(index)[0]
        assert np.abs(luma.astype(int) - truth).mean() < 8


def test_the_fast_decoder_shows_nearly_the_same() -> None:
    exact, fast = Decoder(FORMAT.video), Decoder(FORMAT.video, fast=True)
    for packet in PACKETS:
        one, two = exact.decode(packet)[0].grey(320, 180), fast.decode(packet)[0].grey(320, 180)
        assert np.abs(one.astype(int) - two).mean() < 6


@pytest.mark.parametrize(("width_px", "height_px"), [(416, 416), (160, 90), (33, 17), (320, 180), (640, 640)])
def test_sizes_and_orders(width_px: int, height_px: int) -> None:
    frame = first_frame()
    rgb, bgr = frame.rgb(width_px, height_px), frame.bgr(width_px, height_px)
    assert rgb.shape == bgr.shape == (height_px, width_px, 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert bgr.flags.c_contiguous
    assert np.abs(rgb.astype(int) - bgr[:, :, ::-1]).mean() < 3
    grey = frame.grey(width_px, height_px)
    assert grey.shape == (height_px, width_px)
    assert grey.flags.c_contiguous


def test_pictures_handed_out_are_not_changed_by_the_next() -> None:
    decoder = Decoder(FORMAT.video)
    first = decoder.decode(PACKETS[0])[0].bgr(160, 90)
    copy = first.copy()
    for packet in PACKETS[1:]:
        decoder.decode(packet)[0].bgr(160, 90)
    assert np.array_equal(first, copy)


def test_a_crop_is_that_part_of_the_picture() -> None:
    frame = first_frame()
    whole = frame.bgr(320, 180).astype(int)
    part = frame.crop((0.25, 0.2, 0.75, 0.8), 160, 108).astype(int)
    assert np.abs(part - whole[36:144, 80:240]).mean() < 4


@given(st.tuples(*[st.floats(-2, 3)] * 4))
@settings(max_examples=40, deadline=None)
def test_any_box_can_be_cut(box: tuple[float, float, float, float]) -> None:
    frame = first_frame()
    assert frame.crop(box, 64, 48).shape == (48, 64, 3)


def test_a_jpeg_is_a_jpeg_of_the_wished_width_and_quality() -> None:
    frame = first_frame()
    good, poor = frame.jpeg(95), frame.jpeg(20)
    assert good[:2] == poor[:2] == b"\xff\xd8"
    assert len(poor) < len(good) / 2
    small = frame.jpeg(80, 160)
    context = av.CodecContext.create("mjpeg", "r")
    picture = context.decode(av.Packet(small))[0]  # type: ignore[attr-defined]
    assert (picture.width, picture.height) == (160, 90)
    assert frame.jpeg(80, 5000)[:2] == b"\xff\xd8"
    assert len(frame.jpeg(80, box=(0.4, 0.4, 0.6, 0.6))) < len(frame.jpeg(80))


def test_reordered_pictures_come_in_display_order() -> None:
    video, packets = reordering_stream()
    assert [p.capture_ns for p in packets] != sorted(p.capture_ns for p in packets)
    decoder = Decoder(video)
    times = [frame.capture_ns for packet in packets for frame in decoder.decode(packet)]
    times += [frame.capture_ns for frame in decoder.flush()]
    assert times == list(range(24))


def test_a_key_frame_alone_comes_at_once_even_when_the_stream_reorders() -> None:
    video, packets = reordering_stream()
    decoder = Decoder(video)
    for packet in packets:
        if packet.is_key:
            frame = decoder.decode_key(packet)
            assert frame is not None
            assert frame.capture_ns == packet.capture_ns


def test_after_a_flush_decoding_goes_on_at_a_key_frame() -> None:
    decoder = Decoder(FORMAT.video)
    decoder.decode(PACKETS[0])
    decoder.flush()
    assert len(decoder.decode(PACKETS[10])) == 1


@given(st.binary(max_size=300), st.integers(0, 24))
@settings(max_examples=60, deadline=None)
def test_garbage_is_survived(garbage: bytes, after: int) -> None:
    decoder = Decoder(FORMAT.video)
    for packet in PACKETS[:after]:
        decoder.decode(packet)
    decoder.decode(Packet("video", 5, 5, 0, True, garbage))
    frames = decoder.decode(PACKETS[20])
    assert [frame.capture_ns for frame in frames] == [PACKETS[20].capture_ns]


def test_a_damaged_packet_is_counted() -> None:
    decoder = Decoder(FORMAT.video)
    decoder.decode(Packet("video", 0, 0, 0, True, b"\0\0\0\x05\x65\xff\xff\xff\xff"))
    assert decoder.stats.corrupt == 1


def test_audio_is_not_for_this_decoder() -> None:
    assert Decoder(FORMAT.video).decode(Packet("audio", 0, 0, 0, True, b"\x21")) == []
    assert StreamFormat(FORMAT.video, AudioFormat("aac", 8000, 1, b""), 0).audio is not None


def test_an_unusable_configuration_gives_no_pictures() -> None:
    decoder = Decoder(VideoFormat("h264", 64, 64, b"\x01\x64\x00"))
    assert decoder.decode(PACKETS[0]) == []
    assert decoder.stats.corrupt == 1


def test_a_configuration_that_the_codec_refuses_is_explained() -> None:
    with pytest.raises(EyespotError, match="configuration of the stream cannot be used"):
        Decoder(VideoFormat("h265", 64, 64, b"\x01" + b"\xff" * 40))
