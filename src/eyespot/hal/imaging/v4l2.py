"""Imaging of cameras behind Video4Linux2: its controls in our names and units.

Owns which V4L2 control stands for which of ours and how its numbers translate. V4L2 leaves the units of gain and focus
to the device's maker, so they are offered as ``device``; it has no control for an IR-cut filter (see ``hal/outputs``).
"""

import ctypes
import errno
import fcntl
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from eyespot.hal.imaging import v4l2_abi as abi
from eyespot.hal.imaging.checks import check
from eyespot.hal.imaging.contract import Capability, Control, Unit, Value
from eyespot.kernel.errors import EyespotError, Kind, unavailable

Ioctl = Callable[[int, ctypes.Structure], None]
"""Runs one request on the device; raises ``OSError``."""

_EXPOSURE_UNIT_S = 1e-4
_MAX_MENU = 32


@dataclass(frozen=True, slots=True)
class _Numeric:
    """A V4L2 number: ours is ``scale`` times it, or its share of the range when ``scale`` is 0."""

    cid: int
    unit: Unit
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class _Options:
    """A V4L2 menu or switch: our words, in the order tried, for its numbers."""

    cid: int
    numbers: tuple[tuple[str, int], ...]


_NUMBERS: dict[Control, tuple[_Numeric, ...]] = {
    Control.EXPOSURE: (_Numeric(abi.CID_EXPOSURE_ABSOLUTE, "s", _EXPOSURE_UNIT_S),),
    Control.GAIN: (_Numeric(abi.CID_ANALOGUE_GAIN, "device"), _Numeric(abi.CID_GAIN, "device")),
    Control.WHITE_BALANCE: (_Numeric(abi.CID_WHITE_BALANCE_TEMPERATURE, "K"),),
    Control.FOCUS: (_Numeric(abi.CID_FOCUS_ABSOLUTE, "device"),),
    Control.SHARPNESS: (_Numeric(abi.CID_SHARPNESS, "share", 0.0),),
    Control.BRIGHTNESS: (_Numeric(abi.CID_BRIGHTNESS, "share", 0.0),),
    Control.CONTRAST: (_Numeric(abi.CID_CONTRAST, "share", 0.0),),
    Control.SATURATION: (_Numeric(abi.CID_SATURATION, "share", 0.0),),
    Control.WDR: (_Numeric(abi.CID_WIDE_DYNAMIC_RANGE, "share", 0.0),),
}
_CHOICES: dict[Control, _Options] = {
    # "auto" is aperture priority (3) on most USB cameras: their iris is fixed; else full auto (0)
    Control.EXPOSURE_MODE: _Options(abi.CID_EXPOSURE_AUTO, (("auto", 3), ("auto", 0), ("manual", 1))),
    Control.WHITE_BALANCE_MODE: _Options(abi.CID_AUTO_WHITE_BALANCE, (("auto", 1), ("manual", 0))),
    Control.FOCUS_MODE: _Options(abi.CID_FOCUS_AUTO, (("auto", 1), ("manual", 0))),
    Control.ROTATION: _Options(abi.CID_ROTATE, (("0", 0), ("90", 90), ("180", 180), ("270", 270))),
    Control.MAINS: _Options(abi.CID_POWER_LINE_FREQUENCY, (("off", 0), ("50", 1), ("60", 2))),
}
_SWITCHES = {Control.FLIP_HORIZONTAL: abi.CID_HFLIP, Control.FLIP_VERTICAL: abi.CID_VFLIP}


@dataclass(frozen=True, slots=True)
class _Found:
    """One of our controls as this device has it."""

    cid: int
    capability: Capability
    low: int
    high: int
    scale: float
    words: tuple[tuple[str, int], ...] = ()

    def to_device(self, value: Value) -> int:
        if self.capability.kind == "switch":
            return int(bool(value))
        if self.capability.kind == "choice":
            return next(number for word, number in self.words if word == value)
        assert isinstance(value, float | int)
        raw = round(self.low + value * (self.high - self.low)) if self.scale == 0 else round(value / self.scale)
        return min(max(raw, self.low), self.high)

    def from_device(self, raw: int) -> Value:
        if self.capability.kind == "switch":
            return bool(raw)
        if self.capability.kind == "choice":
            return next((word for word, number in self.words if number == raw), self.words[0][0])
        return (raw - self.low) / (self.high - self.low) if self.scale == 0 else raw * self.scale


class V4l2Imaging:
    """The controls of one V4L2 device. ``ioctl`` replaces the device, for tests."""

    def __init__(self, device: str, ioctl: Ioctl | None = None) -> None:
        self._device = device
        self._fd = -1 if ioctl else _open(device)
        self._ioctl = ioctl or self._system_ioctl
        try:
            self._found = self._discover()
        except BaseException:  # whatever it is, the device must not stay open
            self.close()
            raise

    @property
    def name(self) -> str:
        return f"V4L2 {self._device}"

    def capabilities(self) -> Mapping[Control, Capability]:
        """See ``contract.Imaging``."""
        return {control: found.capability for control, found in self._found.items()}

    def read(self) -> dict[Control, Value]:
        """See ``contract.Imaging``."""
        return {control: found.from_device(self._get(found.cid)) for control, found in self._found.items()}

    def apply(self, values: Mapping[Control, Value]) -> dict[Control, Value]:
        """See ``contract.Imaging``."""
        checked = check(self.capabilities(), values, self.read())
        done: dict[Control, Value] = {}
        for control, value in checked.items():  # one by one: a mode must be manual before the device takes its value
            found = self._found[control]
            self._set(found.cid, found.to_device(value), control)
            done[control] = found.from_device(self._get(found.cid))
        return done

    def close(self) -> None:
        """See ``contract.Imaging``."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _discover(self) -> dict[Control, _Found]:
        found: dict[Control, _Found] = {}
        for control, numerics in _NUMBERS.items():
            for numeric in numerics:
                query = self._query(numeric.cid, (abi.TYPE_INTEGER, abi.TYPE_BOOLEAN))
                if query is not None and control not in found and query.maximum > query.minimum:
                    found[control] = _number(control, numeric, query)
        for control, options in _CHOICES.items():
            query = self._query(options.cid, (abi.TYPE_INTEGER, abi.TYPE_BOOLEAN, abi.TYPE_MENU))
            words = () if query is None else self._words(query, options)
            if query is not None and words:
                default = next((word for word, number in words if number == query.default_value), words[0][0])
                names = tuple(word for word, _ in words)
                unit: Unit = "degrees" if control is Control.ROTATION else ""
                capability = Capability(control, "choice", default, unit, options=names)
                found[control] = _Found(options.cid, capability, query.minimum, query.maximum, 1.0, words)
        for control, cid in _SWITCHES.items():
            query = self._query(cid, (abi.TYPE_BOOLEAN,))
            if query is not None:
                kind: Literal["switch"] = "switch"
                found[control] = _Found(cid, Capability(control, kind, bool(query.default_value)), 0, 1, 1.0)
        return found

    def _query(self, cid: int, types: tuple[int, ...]) -> abi.QueryExtCtrl | None:
        """What the device says of ``cid``; None where it has none, or none that can be used."""
        query = abi.QueryExtCtrl(id=cid)
        try:
            self._ioctl(abi.VIDIOC_QUERY_EXT_CTRL, query)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                return None
            raise self._lost(error) from error
        unusable = abi.CTRL_FLAG_DISABLED | abi.CTRL_FLAG_READ_ONLY | abi.CTRL_FLAG_WRITE_ONLY
        return None if query.flags & unusable or query.type not in types else query

    def _words(self, query: abi.QueryExtCtrl, options: _Options) -> tuple[tuple[str, int], ...]:
        """Those of our words that the device has, each once."""
        words: dict[str, int] = {}
        for word, number in options.numbers:
            if word not in words and query.minimum <= number <= query.maximum and self._has(query, number):
                words[word] = number
        return tuple(words.items())

    def _has(self, query: abi.QueryExtCtrl, number: int) -> bool:
        if query.type != abi.TYPE_MENU:
            return int(query.step) <= 1 or (number - int(query.minimum)) % int(query.step) == 0
        if not 0 <= number < _MAX_MENU:
            return False
        try:
            self._ioctl(abi.VIDIOC_QUERYMENU, abi.QueryMenu(id=query.id, index=number))
        except OSError as error:
            if error.errno == errno.EINVAL:
                return False
            raise self._lost(error) from error
        return True

    def _get(self, cid: int) -> int:
        control = abi.ExtControl(id=cid)
        try:
            self._ioctl(abi.VIDIOC_G_EXT_CTRLS, _one(control))
        except OSError as error:
            raise self._lost(error) from error
        return int(control.value)

    def _set(self, cid: int, value: int, ours: Control) -> None:
        control = abi.ExtControl(id=cid, value=value)
        try:
            self._ioctl(abi.VIDIOC_S_EXT_CTRLS, _one(control))
        except OSError as error:
            if error.errno in (errno.EBUSY, errno.EACCES, errno.EINVAL, errno.ERANGE):
                raise unavailable(
                    f"{self._device} refuses {ours.value} now: {error.strerror}.",
                    "Stop what else uses it; what was set before it in the same call stays set.",
                ) from error
            raise self._lost(error) from error

    def _lost(self, error: OSError) -> EyespotError:
        return unavailable(f"{self._device} does not answer: {error.strerror}.", "Check that the camera is plugged in.")

    def _system_ioctl(self, request: int, structure: ctypes.Structure) -> None:
        fcntl.ioctl(self._fd, request, structure, True)


def _number(control: Control, numeric: _Numeric, query: abi.QueryExtCtrl) -> _Found:
    low, high, step = int(query.minimum), int(query.maximum), max(1, int(query.step))
    scale = numeric.scale
    if scale == 0:
        span = high - low
        capability = Capability(
            control, "number", (query.default_value - low) / span, numeric.unit, 0.0, 1.0, step / span
        )
    else:
        bounds = low * scale, high * scale, step * scale
        capability = Capability(control, "number", query.default_value * scale, numeric.unit, *bounds)
    return _Found(numeric.cid, capability, low, high, scale)


def _one(control: abi.ExtControl) -> abi.ExtControls:
    return abi.ExtControls(which=abi.WHICH_CUR_VAL, count=1, controls=ctypes.pointer(control))


def _open(device: str) -> int:
    try:
        return os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        raise EyespotError(
            Kind.FORBIDDEN, f"{device} may not be opened.", "Add the camera's user to the group 'video'."
        ) from error
    except OSError as error:
        raise unavailable(f"There is no camera at {device}.", "'ls /dev/video*' shows what is there.") from error
