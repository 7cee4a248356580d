"""The owner's sample of a view: what the service itself is handed, and nothing that it is not."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from frames_rig import HEIGHT_PX, WIDTH_PX, Rig, running, until
from numpy.typing import NDArray

from eyespot.bus import subjects
from eyespot.contracts.track import Track, TracksMessage
from eyespot.contracts.view_sample import ViewSample
from eyespot.edge.frames.sample_asking import ask_sample
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.decode import Decoder
from eyespot.media.still import jpeg_of


def opened(jpeg: bytes) -> NDArray[np.uint8]:
    """A JPEG as ``(height, width, 3)``."""
    with av.open(BytesIO(jpeg), format="mjpeg") as file:
        pixels: NDArray[np.uint8] = next(file.decode(video=0)).to_ndarray(format="rgb24")
        return pixels


async def sampled(rig: Rig, **view: Any) -> ViewSample:
    """A sample of ``view`` while the camera plays."""
    await rig.bus.serve(subjects.control("frames"), rig.host.answer)
    rig.begin(100)
    asking = asyncio.create_task(ask_sample(rig.bus, rig.named("door", **view)))
    await until(lambda: rig.hub.status()["readers"])
    while not asking.done():
        track = Track(id=7, label="person", score=0.9, box=(0.25, 0.25, 0.5, 0.75))
        message = TracksMessage(camera="yard", capture_ns=rig.clock.monotonic_ns(), wall_ns=1, tracks=(track,))
        await rig.bus.publish(subjects.tracks("yard"), message.model_dump_json().encode())
        await rig.play(1)
    return await asking


async def test_a_full_view_is_its_region_and_reads_nothing_afterwards(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        size = {"width_px": WIDTH_PX // 2, "height_px": HEIGHT_PX}
        sample = await sampled(rig, **size, region=(0.0, 0.0, 0.5, 1.0), rate_hz=0.01)
        picture = opened(sample.jpeg)
        assert picture.shape == (HEIGHT_PX, WIDTH_PX // 2, 3)
        assert (sample.view.rate_hz, sample.view.stream, sample.objects) == (0.01, "main", ())
        assert rig.hub.format is not None
        decoder = Decoder(rig.hub.format.video)
        frames = [frame for packet in rig.packets for frame in decoder.decode(packet)]
        truth = next(frame for frame in frames if frame.capture_ns == sample.capture_ns).rgb(WIDTH_PX, HEIGHT_PX)
        assert np.abs(truth[:, : WIDTH_PX // 2].astype(int) - picture).mean() < 8
        await until(lambda: not rig.host.status()["streams"])
        assert rig.host.status()["ring_bytes"] == 0


async def test_a_silhouette_holds_no_pixel_of_the_picture(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        sample = await sampled(rig, form="silhouette", width_px=WIDTH_PX, height_px=HEIGHT_PX)
        picture = opened(sample.jpeg).astype(int)
        assert sample.tracks_ns > 0
        assert sample.objects_seen == 1
        assert np.abs(picture[70:120, 100:140] - 128).max() < 12
        assert picture[:, 200:].max() < 12


async def test_boxes_have_no_picture_but_places(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        sample = await sampled(rig, form="boxes", labels=["person"])
        assert sample.jpeg == b""
        ((track, label),) = [(one.track, one.label) for one in sample.objects]
        assert (track, label, sample.objects_seen) == (7, "person", 1)


async def test_where_none_can_be_had_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.frames.sample.PATIENCE_S", 0.1)
    async with running(tmp_path) as rig:
        with pytest.raises(EyespotError, match="Nobody answers"):
            await ask_sample(rig.bus, rig.named("door"))
        await rig.bus.serve(subjects.control("frames"), rig.host.answer)
        with pytest.raises(EyespotError, match="gave no picture within") as silent:
            await ask_sample(rig.bus, rig.named("door"))
        assert silent.value.kind is Kind.UNAVAILABLE
        with pytest.raises(EyespotError, match="There is no camera attic"):
            await ask_sample(rig.bus, rig.named("door", camera="attic"))
        with pytest.raises(EyespotError, match="does not parse"):
            await rig.bus.request(subjects.control("frames"), b'{"view": {"name": "door", "camera": "*"}}')
        with pytest.raises(EyespotError) as large:
            await ask_sample(rig.bus, rig.named("door", width_px=4096, height_px=4096))
        assert large.value.kind in (Kind.TOO_LARGE, Kind.EXHAUSTED, Kind.UNAVAILABLE)


@pytest.mark.parametrize(("order", "shape"), [("rgb24", (17, 33, 3)), ("gray", (16, 31)), ("nv12", (48, 32))])
def test_every_kind_of_pixels_becomes_a_jpeg(order: Any, shape: tuple[int, ...]) -> None:
    grey = jpeg_of(np.full(shape, 128, np.uint8), order, 1 << 20)
    assert np.abs(opened(grey).astype(int) - 128).max() < 10


def test_a_picture_of_noise_is_made_to_fit() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (2000, 3000, 3), np.uint8)
    jpeg = jpeg_of(noise, "rgb24", 512 << 10)
    assert len(jpeg) <= 512 << 10
    assert opened(jpeg).shape[0] * opened(jpeg).shape[1] <= 1 << 20
