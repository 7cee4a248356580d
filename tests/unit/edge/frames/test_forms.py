"""What each form of a view shows, and that nothing else of the picture is in it."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frames_rig import FPS, HEIGHT_PX, WIDTH_PX, Rig, running, until

from eyespot.bus import subjects
from eyespot.contracts.lens import Orientation, View
from eyespot.contracts.packet import StreamFormat
from eyespot.contracts.track import Track, TracksMessage
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.decode import Decoder, Frame
from eyespot.sdk.ring_reader import RingFrame
from eyespot.sdk.view_client import ViewClient

SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX, "rate_hz": 60}
LEFT, RIGHT = (0.125, 0.25, 0.25, 0.75), (0.625, 0.25, 0.75, 0.75)


def tracks(capture_ns: int, *boxes: tuple[float, float, float, float], **more: Any) -> TracksMessage:
    """A person in the first box, cars in the others."""
    found = tuple(
        Track(id=number, label="car" if number > 1 else "person", score=1 - number / 100, box=box, **more)
        for number, box in enumerate(boxes, 1)
    )
    return TracksMessage(camera="yard", capture_ns=capture_ns, wall_ns=0, tracks=found)


async def shown(rig: Rig, view: dict[str, Any], message: TracksMessage | None = None) -> RingFrame:
    """A frame of ``view`` that was cut while ``message`` was the newest."""
    rig.grant({"name": "door", **view})
    reader = await asyncio.to_thread(ViewClient, rig.door(), "door")
    await until(lambda: rig.hub.status()["readers"])
    if message is not None:
        await rig.bus.publish(subjects.tracks("yard"), message.model_dump_json().encode())
        await until(lambda: rig.host._tracks)
    await rig.play(FPS)
    await until(lambda: reader.ring.newest)
    frame = reader.take()
    while frame is None:
        await asyncio.sleep(0.01)
        frame = reader.take()
    reader.close()
    return frame


def decoded(rig: Rig, capture_ns: int) -> Frame:
    stream = rig.hub.format
    assert stream is not None
    decoder = Decoder(stream.video)
    frames = [frame for packet in rig.packets for frame in decoder.decode(packet)]
    return next(frame for frame in frames if frame.capture_ns == capture_ns)


async def test_full_is_the_region_scaled(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        region = [0.25, 0.0, 0.75, 0.5]
        frame = await shown(rig, {"region": region, "width_px": 160, "height_px": 96, "rate_hz": 60})
        whole = decoded(rig, frame.stamp.capture_ns).rgb(WIDTH_PX, HEIGHT_PX)
    part = whole[: HEIGHT_PX // 2, WIDTH_PX // 4 : WIDTH_PX * 3 // 4]
    assert frame.pixels.shape == (96, 160, 3)
    assert np.abs(frame.pixels.astype(int) - part).mean() < 2, "colours at its border are blended differently"
    assert np.abs(frame.pixels.astype(int) - whole[:96, :160]).mean() > 4
    assert frame.stamp.wall_ns == frame.stamp.capture_ns + 1_000_000_000_000
    assert frame.stamp.source_px == (WIDTH_PX, HEIGHT_PX)
    assert (frame.objects, frame.stamp.objects_seen, frame.stamp.lens) == ((), 0, 0)


@pytest.mark.parametrize("pixels", ["grey", "nv12"])
async def test_full_in_other_pixels(tmp_path: Path, pixels: str) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        frame = await shown(rig, {**SIZE, "pixels": pixels})
        source = decoded(rig, frame.stamp.capture_ns)
    luma = frame.pixels[:HEIGHT_PX]
    assert np.abs(luma.astype(int) - source.grey(WIDTH_PX, HEIGHT_PX)).mean() < (12 if pixels == "nv12" else 0.01)
    assert luma.std() > 5
    if pixels == "nv12":
        planes = source.picture.to_ndarray(format="nv12")
        assert (frame.pixels == planes).all()


@pytest.mark.parametrize("pixels", ["rgb", "nv12", "grey"])
async def test_a_silhouette_has_nothing_of_the_picture(tmp_path: Path, pixels: str) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        now = rig.packets[0].capture_ns
        view = {**SIZE, "form": "silhouette", "labels": ["person"], "pixels": pixels}
        frame = await shown(rig, view, tracks(now, LEFT, RIGHT))
    assert (frame.objects, frame.stamp.objects_seen, frame.stamp.tracks_ns) == ((), 1, now)
    luma = frame.pixels[:HEIGHT_PX]
    flat = luma[48:144, 40:80]
    assert (flat == 128).all()
    rest = luma.copy()
    rest[48:144, 40:80] = 0 if pixels != "nv12" else 16
    assert (rest == (0 if pixels != "nv12" else 16)).all(), "the car is not of a label that was asked for"
    if pixels == "nv12":
        assert (frame.pixels[HEIGHT_PX:] == 128).all()


@pytest.mark.parametrize("pixels", ["rgb", "nv12", "grey"])
async def test_crops_are_the_objects_and_nothing_else(tmp_path: Path, pixels: str) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        message = tracks(rig.packets[0].capture_ns, LEFT, RIGHT, (0.0, 0.0, 0.02, 0.02))
        frame = await shown(rig, {**SIZE, "form": "crops", "labels": ["car"], "pixels": pixels}, message)
        source = decoded(rig, frame.stamp.capture_ns)
    assert [(one.track, one.label) for one in frame.objects] == [(2, "car"), (3, "car")]
    assert frame.objects[0].box == pytest.approx(RIGHT)
    luma = frame.pixels[:HEIGHT_PX].copy()
    black = 16 if pixels == "nv12" else 0
    for one in frame.objects:
        left, top, right, bottom = one.crop
        assert 0 <= left < right <= WIDTH_PX
        assert 0 <= top < bottom <= HEIGHT_PX
        luma[top:bottom, left:right] = black
    assert (luma == black).all(), "no pixel outside of the crops"
    left, top, right, bottom = frame.objects[0].crop
    assert (right - left, bottom - top) == (40, 96), "in its own size"
    crop = frame.pixels[top:bottom, left:right]
    if pixels == "rgb":
        assert np.abs(crop.astype(int) - source.crop(RIGHT, 40, 96, order="rgb")).max() == 0
    if pixels == "grey":
        assert np.abs(crop.astype(int) - source.grey(WIDTH_PX, HEIGHT_PX)[48:144, 200:240]).mean() < 0.01


async def test_many_crops_share_the_canvas(tmp_path: Path) -> None:
    boxes = [(x / 10, y / 10, x / 10 + 0.2, y / 10 + 0.2) for y in range(8) for x in range(8)]
    async with running(tmp_path) as rig:
        rig.begin()
        message = tracks(rig.packets[0].capture_ns, *boxes)
        frame = await shown(rig, {"width_px": 128, "height_px": 64, "form": "crops", "rate_hz": 60}, message)
    assert len(frame.objects) == 32, "as many as have cells of 16 pixels, the surest"
    assert {one.track for one in frame.objects} == set(range(1, 33))
    taken = np.zeros((64, 128), int)
    for one in frame.objects:
        left, top, right, bottom = one.crop
        taken[top:bottom, left:right] += 1
    assert taken.max() == 1, "no two overlap"
    assert frame.stamp.objects_seen == 64


async def test_boxes_have_no_pixels_and_need_no_decoding(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        view = {"form": "boxes", "region": [0.5, 0.0, 1.0, 1.0], "rate_hz": 60}
        frame = await shown(rig, view, tracks(rig.packets[0].capture_ns, LEFT, RIGHT))
        assert rig.host.status()["streams"]["frames yard/main"]["counts"]["views_decoded"] == 0
    assert frame.pixels.size == 0
    assert frame.stamp.source_px == (0, 0)
    assert [(one.track, one.label) for one in frame.objects] == [(2, "car")], "the other one is outside of the region"
    assert frame.objects[0].box == pytest.approx((0.25, 0.25, 0.5, 0.75))
    assert frame.stamp.objects_seen == 1


async def test_metadata_has_times_and_counts_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        frame = await shown(rig, {"form": "metadata", "rate_hz": 60}, tracks(rig.packets[0].capture_ns, LEFT, RIGHT))
    assert (frame.pixels.size, frame.objects, frame.stamp.objects_seen) == (0, (), 2)
    assert frame.stamp.capture_ns in [packet.capture_ns for packet in rig.packets]


async def test_without_tracks_there_are_no_objects(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        frame = await shown(rig, {**SIZE, "form": "crops"})
    assert (frame.objects, frame.stamp.tracks_ns) == ((), 0)
    assert not frame.pixels.any()


async def test_orientation_travels_and_the_size_of_a_view_outlives_the_streams(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        rig.grant({"name": "door", **SIZE})
        reader = await asyncio.to_thread(ViewClient, rig.door(), "door")
        await until(lambda: rig.hub.status()["readers"])
        await rig.play(5)
        await until(lambda: reader.take())
        rig.begin(width_px=640, height_px=384)
        stream = rig.hub.format
        assert stream is not None
        turned = View(Orientation(False, True, 90))
        rig.hub.publish(StreamFormat(stream.video, stream.audio, stream.wall_offset_ns, turned))
        await rig.play(25)
        await until(lambda: reader.ring.newest >= 20)
        frame = reader.take()
        assert frame is not None
        assert frame.stamp.source_px == (640, 384)
        assert frame.stamp.orientation == turned.orientation
        assert frame.pixels.shape == (HEIGHT_PX, WIDTH_PX, 3)
        reader.close()


async def test_a_stream_is_decoded_once_and_equal_views_are_cut_once(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        small = {"width_px": 64, "height_px": 48, "rate_hz": 60}
        rig.grant({"name": "a", **small}, {"name": "b", **small}, {"name": "c", **small, "pixels": "grey"})
        readers = [await asyncio.to_thread(ViewClient, rig.door(), name) for name in "abcaabb"]
        await until(lambda: rig.hub.status()["readers"])
        await rig.play(30)
        await until(lambda: all(reader.ring.newest == 30 for reader in readers))
        status = rig.host.status()
        assert status["streams"]["frames yard/main"]["counts"]["views_decoded"] == 30
        assert sorted(status["views"].values()) == [30, 30]
        assert len(rig.hub.status()["readers"]) == 1
        for reader in readers:
            reader.close()


@pytest.mark.parametrize(("rate_hz", "expected"), [(5.0, 10), (12.5, 25), (25.0, 50), (60.0, 50), (1.0, 2), (10.0, 20)])
async def test_each_view_has_its_own_rate(tmp_path: Path, rate_hz: float, expected: int) -> None:
    async with running(tmp_path) as rig:
        rig.begin()
        rig.grant({"name": "a", "form": "metadata", "rate_hz": rate_hz}, {"name": "b", "form": "boxes", "rate_hz": 60})
        readers = [await asyncio.to_thread(ViewClient, rig.door(), name) for name in "ab"]
        await until(lambda: rig.hub.status()["readers"])
        await rig.play(50)
        await until(lambda: readers[1].ring.newest == 50)
        assert readers[0].ring.newest == expected
        for reader in readers:
            reader.close()


async def test_what_all_views_take_together_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.frames.host.MAX_TOTAL_BYTES", 1 << 20)
    async with running(tmp_path) as rig:
        rig.grant(*({"name": f"v{n}", "width_px": 256, "height_px": 128 + n} for n in range(3)))
        readers = [await asyncio.to_thread(ViewClient, rig.door(), f"v{number}") for number in range(2)]
        with pytest.raises(EyespotError, match="more than 1 MiB") as refused:
            await asyncio.to_thread(ViewClient, rig.door(), "v2")
        assert refused.value.kind is Kind.EXHAUSTED
        for reader in readers:
            reader.close()
