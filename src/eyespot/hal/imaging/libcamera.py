"""Imaging of cameras behind libcamera: its controls in our names and units.

Owns what is set together: red and blue gain are one control there, flips and turns one orientation. What is set holds
in this process, also for streams that begin later: libcamera itself keeps nothing.
"""

from collections.abc import Mapping
from typing import Any

from eyespot.hal.imaging.checks import check
from eyespot.hal.imaging.contract import Capability, Control, Value
from eyespot.hal.imaging.libcamera_controls import Raw, translate
from eyespot.hal.libcamera.camera import Cameras, cameras

_TURNED = {
    (False, False): "Rotate0",
    (True, False): "Rotate0Mirror",
    (True, True): "Rotate180",
    (False, True): "Rotate180Mirror",
}
"""From whether columns and rows are reversed to libcamera's name for it."""
_OTHER = {"ColourGains": "ColourTemperature", "ColourTemperature": "ColourGains"}
"""Two ways to say one thing: the last one said holds."""
_MOVED = {
    Control.EXPOSURE_MODE: ("ExposureTime", "AnalogueGain"),
    Control.WHITE_BALANCE_MODE: ("ColourGains", "ColourTemperature"),
    Control.FOCUS_MODE: ("LensPosition",),
}
"""What each loop moves: once it runs nothing of these is asked for, because that would end some cameras' loops."""
_ORIENTATION = {Control.FLIP_HORIZONTAL, Control.FLIP_VERTICAL, Control.ROTATION}


class LibcameraImaging:
    """The controls of one camera, such as ``libcamera:0``. ``ours`` replaces the process's cameras, for tests.

    Raises:
        EyespotError: ``UNAVAILABLE`` when libcamera or the camera is not here, or another program has it; ``INVALID``
            when ``source`` names no camera.
    """

    def __init__(self, source: str, ours: Cameras | None = None) -> None:
        self._camera = (ours or cameras()).get(source)
        offer = self._camera.offer()
        self._found = translate(self._camera.library.binding, offer.controls)
        self._flips: dict[Control, Value] = {}
        self._capabilities = {control: item.capability for control, item in self._found.items()}
        self._capabilities |= {item.control: item for item in _orientation(offer.orientations)}

    @property
    def name(self) -> str:
        return f"libcamera {self._camera.name}"

    def capabilities(self) -> Mapping[Control, Capability]:
        """See ``contract.Imaging``."""
        return self._capabilities

    def read(self) -> dict[Control, Value]:
        """See ``contract.Imaging``; what the camera's last picture told goes before what was asked for."""
        return self._values(self._camera.state())

    def apply(self, values: Mapping[Control, Value]) -> dict[Control, Value]:
        """See ``contract.Imaging``; a stream that runs takes them with its next request, some pictures later."""
        checked = check(self._capabilities, values, self._values(self._camera.expected()))
        raw: Raw = {}
        for control, value in checked.items():
            if control in self._found:
                raw |= self._found[control].to_raw(value)
        raw = self._with_both_gains(raw)
        gone = [_OTHER[name] for name in raw if name in _OTHER]
        gone += [name for mode, names in _MOVED.items() if checked.get(mode) == "auto" for name in names]
        self._camera.want(raw, gone)
        if checked.keys() & _ORIENTATION:
            self._turn(checked)
        return checked

    def close(self) -> None:
        """See ``contract.Imaging``; the camera was held while asked what it offers alone."""

    def _values(self, state: Mapping[str, Any]) -> dict[Control, Value]:
        values: dict[Control, Value] = {}
        for control, item in self._found.items():
            value = item.from_raw(state)
            values[control] = item.capability.default if value is None else value
        return values | self._turned()

    def _with_both_gains(self, raw: Raw) -> Raw:
        parts = [raw.pop(f"ColourGains.{index}", None) for index in range(2)]
        if parts == [None, None]:
            return raw
        now = self._camera.expected().get("ColourGains", (1.0, 1.0))
        gains = tuple(float(now[index] if part is None else part) for index, part in enumerate(parts))
        return raw | {"ColourGains": gains}

    def _turned(self) -> dict[Control, Value]:
        """Flips and rotation of the orientation in force; half a turn is told as two flips unless it was asked for."""
        columns, rows = next(flips for flips, name in _TURNED.items() if name == self._camera.orientation)
        half = self._camera.half_turn
        values: dict[Control, Value] = {
            Control.FLIP_HORIZONTAL: columns != half,
            Control.FLIP_VERTICAL: rows != half,
            Control.ROTATION: "180" if half else "0",
        }
        return {control: value for control, value in values.items() if control in self._capabilities}

    def _turn(self, checked: Mapping[Control, Value]) -> None:
        wanted = {**self._turned(), **checked}
        half = wanted.get(Control.ROTATION, "0") == "180"
        columns = bool(wanted.get(Control.FLIP_HORIZONTAL, False)) != half
        rows = bool(wanted.get(Control.FLIP_VERTICAL, False)) != half
        self._camera.turn(_TURNED[columns, rows], half_turn=half)


def _orientation(offered: tuple[str, ...]) -> list[Capability]:
    """Flips and rotation; each only when all that they combine to can be given."""
    found = []
    if set(_TURNED.values()) <= set(offered):
        found.append(Capability(Control.FLIP_HORIZONTAL, "switch", default=False))
        found.append(Capability(Control.FLIP_VERTICAL, "switch", default=False))
    if "Rotate180" in offered:
        found.append(Capability(Control.ROTATION, "choice", "0", "degrees", options=("0", "180")))
    return found
