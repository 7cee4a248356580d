"""The ISP itself: one raw picture to RGB, strip by strip so that the work stays in the processor's cache.

Order: known defects, stray samples, black level, denoising, lens shading and white balance, demosaicing, colour matrix,
tone curve, sharpening. Each stage eats a margin; the picture is mirrored at its edges to give it one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.isp.colour import saturated, to_display, tone_table
from eyespot.hal.imaging.isp.demosaic import demosaic
from eyespot.hal.imaging.isp.finish import sharpen, weave
from eyespot.hal.imaging.isp.planes import NoiseCodes, denoise, repair, repair_known, split
from eyespot.hal.imaging.isp.raw import Raw, RawFormat
from eyespot.hal.imaging.isp.settings import IspSettings, SensorProfile
from eyespot.hal.imaging.isp.statistics import stretch
from eyespot.kernel.errors import invalid

STAGES = ("mirror", "repair", "denoise", "balance", "demosaic", "colour", "sharpen", "pack")
_MARGIN = 4
"""Squares of four that the stages eat on every side: repair, denoise, demosaic and sharpen one each."""
_STRIP = 68
"""Rows of squares worked on at a time (136 rows of the picture)."""
_REACH = 3.0
"""Standard deviations of noise that flow freely at full strength."""

Watcher = Callable[[str], None]


class SoftwareIsp:
    """Makes pictures of raw samples of one format.

    ``threads`` strips are worked on at a time (numpy lets go of the interpreter lock); with 1, in the caller's thread.
    Used by one thread at a time.
    """

    def __init__(self, form: RawFormat, profile: SensorProfile, *, threads: int = 1) -> None:
        self._form = form
        self._profile = profile
        self._shading = self._stretched_shading()
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        # Memory that every picture needs is kept: fresh pages from the kernel cost a fifth of the time.
        rows, columns = form.height_px + 4 * _MARGIN, form.width_px + 4 * _MARGIN
        self._mirrored = np.empty((rows, columns), np.uint16)
        self._spare = _Spare()

    def close(self) -> None:
        """Let the threads go; may be called twice."""
        if self._pool is not None:
            self._pool.shutdown()

    def process(
        self,
        raw: Raw,
        settings: IspSettings,
        watcher: Watcher | None = None,
        *,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """The picture as ``(height, width, 3)`` uint8 sRGB, red first. ``raw`` is left as it is.

        ``out``, of that shape, is filled and returned where it is given: cheaper than fresh memory a picture.
        ``watcher`` is told the name of each stage that ended, many times a picture: for measuring, with one thread.

        Raises:
            EyespotError: ``INVALID`` when ``raw`` or ``out`` is not of the ISP's format.
        """
        self._form.check(raw)
        if self._profile.defects:
            raw = raw.copy()
            repair_known(raw, self._profile.defects)
        shape = (self._form.height_px, self._form.width_px, 3)
        picture = np.empty(shape, np.uint8) if out is None else out
        if picture.shape != shape or picture.dtype != np.uint8:
            raise invalid(
                f"The picture to fill is {picture.dtype} {list(picture.shape)}.", f"It must be uint8 {list(shape)}."
            )
        _mirror(raw, self._mirrored, 2 * _MARGIN)
        job = _Job(
            self._form, self._profile, settings, self._shading, self._mirrored, picture, self._spare, watcher or _ignore
        )
        job.watcher("mirror")
        starts = range(0, self._form.height_px // 2, _STRIP)
        for _ in map(job.strip, starts) if self._pool is None else self._pool.map(job.strip, starts):
            pass
        return job.picture

    def _stretched_shading(self) -> NDArray[np.float32] | None:
        """The gain of every sample, ``(2, 2, rows, columns)``, with the margin that is left at that stage."""
        if self._profile.shading is None:
            return None
        rows, columns = self._form.height_px // 2, self._form.width_px // 2
        full = stretch(self._profile.shading, rows, columns)
        padded = np.pad(full, ((0, 0), (2, 2), (_MARGIN, _MARGIN)), mode="edge")
        y, x = self._form.red
        gains = np.empty((2, 2, *padded.shape[1:]), np.float32)
        gains[...] = padded[1]
        gains[y, x], gains[1 - y, 1 - x] = padded[0], padded[2]
        return gains


class _Spare:
    """Arrays to be used again, shared by the threads: as many as were ever in use at a time."""

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.float32]] = []
        self._lock = Lock()

    def take(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """A piece of ``shape`` for the caller alone; its contents are anything."""
        with self._lock:
            for number, piece in enumerate(self._pieces):
                if piece.shape == shape:
                    return self._pieces.pop(number)
        return np.empty(shape, np.float32)

    def give(self, piece: NDArray[np.float32]) -> None:
        """Give ``piece`` back."""
        with self._lock:
            self._pieces.append(piece)


class _Job:
    """One picture in the making."""

    def __init__(
        self,
        form: RawFormat,
        profile: SensorProfile,
        settings: IspSettings,
        shading: NDArray[np.float32] | None,
        mirrored: Raw,
        picture: NDArray[np.uint8],
        spare: "_Spare",
        watcher: Watcher,
    ) -> None:
        self.picture, self.watcher, self._spare = picture, watcher, spare
        self._form, self._profile, self._settings = form, profile, settings
        self._shading, self._mirrored = shading, mirrored
        self._matrix = saturated(profile.matrix, settings.saturation)
        self._table = tone_table(settings.wdr)
        self._gains = self._balance_gains()
        noise = settings.sensor_gain * profile.shot, settings.sensor_gain * profile.read
        self._stray = min(form.white, round(profile.black / 4 + 8 * noise[1]))
        self._codes = NoiseCodes.make(form.white, profile.black, *noise) if settings.denoise > 0 else None
        self._reach = 0 if self._codes is None else round(_REACH * settings.denoise * self._codes.sigma)

    def strip(self, start: int) -> None:
        """Make the rows of squares ``start`` to ``start + _STRIP`` of the picture."""
        stop = min(start + _STRIP, self._form.height_px // 2)
        planes = split(self._mirrored[2 * start : 2 * (stop + 2 * _MARGIN)])
        light = self._clean(planes)
        self._balance(light, start)
        self.watcher("balance")
        memory = self._spare.take((3, 2, 2, light.shape[2] - 2, light.shape[3]))
        phases = demosaic(light, self._form.red, memory)
        self.watcher("demosaic")
        planar = weave(to_display(phases, self._matrix, self._table))
        self._spare.give(memory)
        self.watcher("colour")
        planar = sharpen(planar, self._settings.sharpen)
        self.watcher("sharpen")
        for colour in range(3):
            self.picture[2 * start : 2 * stop, :, colour] = planar[colour, :, 2 * _MARGIN : -2 * _MARGIN]
        self.watcher("pack")

    def _clean(self, planes: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Repaired, above black and denoised: two rows of margin less."""
        rows, columns = planes.shape[2:]
        repaired = np.empty((2, 2, rows - 2, columns), np.uint16)
        light = np.empty((2, 2, rows - 4, columns), np.float32)
        for y, x in product((0, 1), (0, 1)):
            repaired[y, x] = repair(planes[y, x], self._stray) if self._settings.repair else planes[y, x, 1:-1]
        self.watcher("repair")
        for y, x in product((0, 1), (0, 1)):
            if self._codes is None:
                np.subtract(repaired[y, x, 1:-1], np.float32(self._profile.black), out=light[y, x])
            else:
                codes = np.take(self._codes.to_code, repaired[y, x], mode="clip")
                np.take(self._codes.to_value, denoise(codes, self._reach), out=light[y, x], mode="clip")
        self.watcher("denoise")
        return light

    def _balance(self, light: NDArray[np.float32], start: int) -> None:
        """Shading, white balance and digital gain, in place, to 0 to 1; clipped at 1 so that glare is white."""
        if self._shading is not None:
            light *= self._shading[:, :, start : start + light.shape[2]]
        for y, x in product((0, 1), (0, 1)):
            light[y, x] *= self._gains[y, x]
        np.minimum(light, np.float32(1), out=light)

    def _balance_gains(self) -> NDArray[np.float32]:
        """Gain of each phase, white to 1; none below digital gain, so that a clipped sample is white in all colours."""
        settings = self._settings
        red, green, blue = settings.red_gain, 1.0, settings.blue_gain
        least = min(red, green, blue)
        scale = settings.digital_gain / least / (self._form.white - self._profile.black)
        gains = np.full((2, 2), green * scale, np.float32)
        y, x = self._form.red
        gains[y, x], gains[1 - y, 1 - x] = red * scale, blue * scale
        return gains


def _mirror(raw: Raw, into: Raw, margin: int) -> None:
    """Copy ``raw`` into the middle of ``into`` and mirror it at its edges, which keeps the pattern of colours."""
    rows = into[margin:-margin]
    rows[:, margin:-margin] = raw
    rows[:, :margin] = raw[:, margin:0:-1]
    rows[:, -margin:] = raw[:, -2 : -2 - margin : -1]
    into[:margin] = into[2 * margin : margin : -1]
    into[-margin:] = into[-margin - 2 : -2 * margin - 2 : -1]


def _ignore(_: str) -> None:
    """Nobody is measuring."""
