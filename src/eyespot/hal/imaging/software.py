"""Imaging of a raw sensor by the software ISP: the same controls as any camera, with our loops behind them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import log10

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.checks import check
from eyespot.hal.imaging.contract import Capability, Control, Value
from eyespot.hal.imaging.isp.auto_exposure import AutoExposure, Exposure, ExposureSettings
from eyespot.hal.imaging.isp.auto_white_balance import AutoWhiteBalance, Balance, BalanceSettings, gains_for
from eyespot.hal.imaging.isp.pipeline import SoftwareIsp
from eyespot.hal.imaging.isp.raw import Raw, RawFormat
from eyespot.hal.imaging.isp.settings import IspSettings, SensorProfile
from eyespot.hal.imaging.isp.statistics import measure

_MODES = ("auto", "manual")
_MAINS_HZ = {"off": 0.0, "50": 50.0, "60": 60.0}


class SoftwareImaging:
    """A raw sensor, the ISP and its loops as one camera.

    Args:
        expose: called with the exposure to use from now on; the sensor may obey some frames later. Whatever it raises
            reaches the caller of ``apply`` and ``process``.
        profile, exposure, balance: what is known of the sensor; ``balance.lights`` decides whether a colour
            temperature can be asked for.
    """

    def __init__(
        self,
        form: RawFormat,
        profile: SensorProfile,
        expose: Callable[[Exposure], None],
        *,
        exposure: ExposureSettings | None = None,
        balance: BalanceSettings | None = None,
        threads: int = 1,
    ) -> None:
        self._form, self._profile, self._expose = form, profile, expose
        self._exposure = exposure or ExposureSettings()
        self._balance = balance or BalanceSettings()
        self._isp = SoftwareIsp(form, profile, threads=threads)
        self._capabilities = _capabilities(self._exposure, self._balance)
        self._values: dict[Control, Value] = {name: item.default for name, item in self._capabilities.items()}
        self._ae = AutoExposure(self._exposure)
        self._awb = AutoWhiteBalance(self._balance)
        self._expose(self._ae.asked)

    @property
    def name(self) -> str:
        return f"software ISP {self._form.width_px}x{self._form.height_px} {self._form.pattern}"

    def capabilities(self) -> Mapping[Control, Capability]:
        """See ``contract.Imaging``."""
        return self._capabilities

    def read(self) -> dict[Control, Value]:
        """See ``contract.Imaging``."""
        values = dict(self._values)
        values[Control.EXPOSURE] = self._ae.asked.seconds
        values[Control.GAIN] = 20 * log10(self._ae.asked.gain)
        if Control.WHITE_BALANCE in values and self._awb.asked.kelvin > 0:
            values[Control.WHITE_BALANCE] = self._awb.asked.kelvin
        return values

    def apply(self, values: Mapping[Control, Value]) -> dict[Control, Value]:
        """See ``contract.Imaging``."""
        checked = check(self._capabilities, values, self._values)
        if checked.keys() & {Control.EXPOSURE, Control.GAIN}:
            now = self._ae.asked
            seconds = float(checked.get(Control.EXPOSURE, now.seconds))  # type: ignore[arg-type]
            gain_db = float(checked.get(Control.GAIN, 20 * log10(now.gain)))  # type: ignore[arg-type]
            asked = Exposure(seconds, 10 ** (gain_db / 20), flicker_free=now.flicker_free)
            self._expose(asked)
            self._ae.asked = asked
        if Control.WHITE_BALANCE in checked:
            self._awb.asked = gains_for(float(checked[Control.WHITE_BALANCE]), self._balance.lights)  # type: ignore[arg-type]
        self._values |= checked
        if checked.keys() & {Control.EXPOSURE_COMPENSATION, Control.MAINS}:
            self._restart_exposure()
        return checked

    def process(self, raw: Raw, taken: Exposure) -> NDArray[np.uint8]:
        """The picture of ``raw``, which was taken with ``taken``; ``(height, width, 3)`` uint8, flipped and turned.

        Runs the loops that are on: the next exposure is asked for, the next balance used from this picture on.
        """
        statistics = measure(raw, self._form, self._profile)
        if self._values[Control.EXPOSURE_MODE] == "auto":
            before = self._ae.asked
            if self._ae.next(statistics, taken) != before:
                self._expose(self._ae.asked)
        if self._values[Control.WHITE_BALANCE_MODE] == "auto":
            self._awb.next(statistics)
        picture = self._isp.process(raw, self._settings(taken, self._awb.asked))
        return self._oriented(picture)

    def close(self) -> None:
        """See ``contract.Imaging``."""
        self._isp.close()

    def _settings(self, taken: Exposure, balance: Balance) -> IspSettings:
        share = {name: float(self._values[name]) for name in (Control.DENOISE, Control.SHARPNESS, Control.WDR)}  # type: ignore[arg-type]
        return IspSettings(
            red_gain=balance.red_gain,
            blue_gain=balance.blue_gain,
            sensor_gain=max(1.0, taken.gain),
            denoise=share[Control.DENOISE],
            sharpen=share[Control.SHARPNESS],
            wdr=share[Control.WDR],
        )

    def _restart_exposure(self) -> None:
        wanted = replace(
            self._exposure,
            compensation_stops=float(self._values[Control.EXPOSURE_COMPENSATION]),  # type: ignore[arg-type]
            mains_hz=_MAINS_HZ[str(self._values[Control.MAINS])],
        )
        self._ae = AutoExposure(wanted, self._ae.asked)

    def _oriented(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._values[Control.FLIP_HORIZONTAL]:
            picture = picture[:, ::-1]
        if self._values[Control.FLIP_VERTICAL]:
            picture = picture[::-1]
        turns = int(str(self._values[Control.ROTATION])) // 90
        return np.ascontiguousarray(np.rot90(picture, -turns))


def _capabilities(exposure: ExposureSettings, balance: BalanceSettings) -> dict[Control, Capability]:
    offered = [
        Capability(Control.EXPOSURE_MODE, "choice", "auto", options=_MODES),
        Capability(Control.EXPOSURE, "number", exposure.min_seconds, "s", exposure.min_seconds, exposure.max_seconds),
        Capability(Control.GAIN, "number", 0.0, "dB", 0.0, 20 * log10(exposure.max_gain)),
        Capability(Control.EXPOSURE_COMPENSATION, "number", exposure.compensation_stops, "stops", -3.0, 3.0),
        Capability(
            Control.MAINS,
            "choice",
            f"{exposure.mains_hz:.0f}" if exposure.mains_hz else "off",
            options=tuple(_MAINS_HZ),
        ),
        Capability(Control.WHITE_BALANCE_MODE, "choice", "auto", options=_MODES),
        Capability(Control.WDR, "number", 0.0, "share", 0.0, 1.0),
        Capability(Control.DENOISE, "number", 0.5, "share", 0.0, 1.0),
        Capability(Control.SHARPNESS, "number", 0.3, "share", 0.0, 1.0),
        Capability(Control.FLIP_HORIZONTAL, "switch", default=False),
        Capability(Control.FLIP_VERTICAL, "switch", default=False),
        Capability(Control.ROTATION, "choice", "0", "degrees", options=("0", "90", "180", "270")),
    ]
    if balance.lights:
        low, high = balance.lights[0].kelvin, balance.lights[-1].kelvin
        offered.append(Capability(Control.WHITE_BALANCE, "number", min(max(5000.0, low), high), "K", low, high))
    return {item.control: item for item in offered}
