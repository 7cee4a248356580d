"""A camera of libcamera as a sensor: pictures, settings on the way, and what goes wrong."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import av
import numpy as np
import pytest

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.imaging.contract import Control
from eyespot.hal.imaging.libcamera import LibcameraImaging
from eyespot.hal.libcamera.binding import find
from eyespot.hal.libcamera.buffers import allocate
from eyespot.hal.libcamera.camera import Cameras
from eyespot.hal.libcamera.library import Library
from eyespot.hal.sensors.libcamera import LibcameraSensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.fake_libcamera import FakeLibcamera
from eyespot.testing.memfd_buffers import allocate_memfd


class Pictures:
    """Decodes the units of a sensor."""

    def __init__(self) -> None:
        self.format: StreamFormat | None = None
        self.times: list[int] = []
        self._decoder = av.CodecContext.create("h264", "r")

    def take(self, unit: Unit) -> list[np.ndarray]:
        if isinstance(unit, StreamFormat):
            self.format = unit
            self._decoder = av.CodecContext.create("h264", "r")
            self._decoder.extradata = unit.video.configuration
            self._decoder.flags |= av.codec.context.Flags.low_delay
            return []
        self.times.append(unit.decode_ns)
        return [frame.to_ndarray(format="gray") for frame in self._decoder.decode(av.Packet(unit.data))]


def brightness(picture: np.ndarray) -> tuple[float, float]:
    """Of the left and the right half."""
    middle = picture.shape[1] // 2
    return float(picture[:, : middle - 4].mean()), float(picture[:, middle + 4 :].mean())


async def wait_for(
    units: AsyncIterator[Unit], pictures: Pictures, good: Callable[[tuple[float, float]], bool], limit: int = 400
) -> tuple[float, float]:
    """The first picture that is ``good``, out of at most ``limit``."""
    seen = (0.0, 0.0)
    for _ in range(limit):
        for picture in pictures.take(await anext(units)):
            seen = brightness(picture)
            if good(seen):
                return seen
    raise AssertionError(f"no such picture, the last one was {seen}")


@pytest.fixture
def binding() -> FakeLibcamera:
    return FakeLibcamera()


@pytest.fixture
def ours(binding: FakeLibcamera) -> Cameras:
    return Cameras(Library(binding))


def sensor(ours: Cameras, **settings: float) -> LibcameraSensor:
    return LibcameraSensor("libcamera:0", SensorSettings(encoder="software", **settings), SystemClock(), ours=ours)  # type: ignore[arg-type]


async def test_settings_reach_the_picture_before_and_while_it_runs(binding: FakeLibcamera, ours: Cameras) -> None:
    imaging = LibcameraImaging("libcamera:0", ours)
    imaging.apply({Control.EXPOSURE_MODE: "manual", Control.EXPOSURE: 0.04})
    camera, pictures = sensor(ours, width_px=126, height_px=96), Pictures()
    async with aclosing(camera.units()) as units:
        bright = await wait_for(units, pictures, lambda _: True)
        assert bright[0] > bright[1] + 20
        imaging.apply({Control.EXPOSURE: 0.005})
        dark = await wait_for(units, pictures, lambda seen: seen[0] < bright[0] - 20)
        assert dark[0] > dark[1]
        assert imaging.read()[Control.EXPOSURE] == pytest.approx(0.005)  # as the last picture was told to be taken
        imaging.apply({Control.FLIP_HORIZONTAL: True, Control.EXPOSURE: 0.04})
        turned = await wait_for(units, pictures, lambda seen: seen[1] > seen[0] + 20)
        assert turned[1] == pytest.approx(bright[0], abs=4)
        assert pictures.format is not None
        assert (pictures.format.video.width_px, pictures.format.video.height_px) == (126, 96)
    assert pictures.times == sorted(set(pictures.times))
    assert camera.counters() == {"corrupt": 0, "input_format": "NV12"}
    assert binding.cameras[0].starts == 2  # once more for the orientation alone


@pytest.mark.parametrize("name", ["YUV420", "XRGB8888"])
async def test_other_layouts_with_padded_rows(binding: FakeLibcamera, ours: Cameras, name: str) -> None:
    binding.cameras[0].formats = (name,)
    LibcameraImaging("libcamera:0", ours).apply({Control.EXPOSURE_MODE: "manual", Control.EXPOSURE: 0.04})
    camera, pictures = sensor(ours), Pictures()
    async with aclosing(camera.units()) as units:
        seen = await wait_for(units, pictures, lambda _: True)
    assert camera.counters()["input_format"] == name
    if name == "YUV420":
        assert seen[0] > seen[1] + 20
    else:  # stripes as wide as what the fake pads rows to
        assert seen == pytest.approx((85, 85), abs=6)


async def test_two_cameras_at_once_each_get_their_own_pictures() -> None:
    binding = FakeLibcamera("dark", "bright")
    ours = Cameras(Library(binding))
    for name, seconds in (("dark", 0.001), ("bright", 0.05)):
        wanted = {Control.EXPOSURE_MODE: "manual", Control.EXPOSURE: seconds}
        LibcameraImaging(f"libcamera:{name}", ours).apply(wanted)
    settings = SensorSettings(encoder="software")
    dark, bright = (LibcameraSensor(f"libcamera:{n}", settings, SystemClock(), ours=ours) for n in (0, 1))
    ours_dark, ours_bright = Pictures(), Pictures()
    async with aclosing(dark.units()) as some, aclosing(bright.units()) as others:
        for _ in range(10):
            low = await wait_for(some, ours_dark, lambda _: True)
            high = await wait_for(others, ours_bright, lambda _: True)
            assert low[1] + 30 < high[1]


async def test_full_range_becomes_what_the_stream_says(binding: FakeLibcamera, ours: Cameras) -> None:
    seen = []
    for full in (False, True):
        binding.cameras[0].full_range = full
        async with aclosing(sensor(ours).units()) as units:
            seen.append(await wait_for(units, Pictures(), lambda _: True))
    assert seen[1][0] == pytest.approx(16 + seen[0][0] * 219 / 255, abs=2)


async def test_a_stream_waits_for_the_one_before_and_damaged_pictures_are_counted(
    binding: FakeLibcamera, ours: Cameras
) -> None:
    binding.cameras[0].damaged = 3
    first = sensor(ours)
    async with aclosing(first.units()) as units:
        assert isinstance(await anext(units), StreamFormat)
        assert isinstance(await anext(units), Packet)
    assert first.counters()["corrupt"] == 3
    async with aclosing(sensor(ours).units()) as units:
        assert isinstance(await anext(units), StreamFormat)


async def refused(ours: Cameras) -> EyespotError:
    async with aclosing(sensor(ours).units()) as units:
        with pytest.raises(EyespotError) as caught:
            await until_it_ends(units)
    return caught.value


async def until_it_ends(units: AsyncIterator[Unit]) -> None:
    async for _ in units:
        pass


async def test_what_goes_wrong_is_told(binding: FakeLibcamera, ours: Cameras) -> None:
    camera = binding.cameras[0]
    camera.taken = True
    assert "Check that no other program uses it" in str(await refused(ours))
    camera.taken, camera.out_of_memory = False, True
    assert "cannot get buffers" in str(await refused(ours))
    camera.out_of_memory, camera.formats = False, ("MJPEG",)
    assert "gives pictures as MJPEG alone" in str(await refused(ours))
    camera.formats, camera.gone = ("NV12",), True
    error = await refused(ours)
    assert error.kind is Kind.UNAVAILABLE
    assert "gives no more pictures" in str(error)
    camera.gone = False
    async with aclosing(sensor(ours).units()) as units:  # and it is free again after each
        assert isinstance(await anext(units), StreamFormat)


async def test_buffers_with_too_few_planes_are_told(ours: Cameras) -> None:
    def first_plane_alone(*arguments: Any) -> list[Any]:
        buffers = allocate(*arguments)
        for buffer in buffers:
            buffer.planes = buffer.planes[:1]
        return buffers

    settings = SensorSettings(encoder="software")
    camera = LibcameraSensor("libcamera:0", settings, SystemClock(), ours=ours, allocate=first_plane_alone)
    with pytest.raises(EyespotError, match="gave 1 planes of nv12"):
        await until_it_ends(camera.units())


async def test_an_address_of_no_camera(ours: Cameras) -> None:
    for address in ("libcamera:", "libcamera://"):
        with pytest.raises(EyespotError, match="names no camera"):
            LibcameraSensor(address, SensorSettings(), SystemClock(), ours=ours)
    missing = LibcameraSensor("libcamera:7", SensorSettings(), SystemClock(), ours=ours)
    with pytest.raises(EyespotError, match=r"has no camera '7'\. It finds: /base/soc") as caught:
        await anext(missing.units())
    assert caught.value.kind is Kind.UNAVAILABLE  # it is tried again: it may be plugged in


@pytest.mark.skipif(find() is None or not find().usable, reason="libcamera's Python binding is not installed")  # type: ignore[union-attr]
async def test_pictures_of_the_real_library() -> None:
    from eyespot.hal.libcamera.camera import cameras

    virtual = [name for name in cameras().library.names() if name.startswith("Virtual")]
    if not virtual:
        pytest.skip("libcamera was built without virtual cameras")
    settings = SensorSettings(encoder="software")
    camera = LibcameraSensor(f"libcamera:{virtual[0]}", settings, SystemClock(), allocate=allocate_memfd)
    pictures = Pictures()
    async with aclosing(camera.units()) as units:
        for _ in range(20):
            for picture in pictures.take(await anext(units)):
                assert picture.std() > 10  # a test pattern, not an empty buffer
    assert len(pictures.times) == 19
