"""Which control of libcamera stands for which of ours, and how its numbers translate.

Names, units and enumerators are those of libcamera's ``control_ids_core.yaml`` and ``control_ids_draft.yaml``; where
releases differ (automatic exposure became two modes in 0.5), what the camera offers decides.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import log10
from typing import Any

from eyespot.hal.imaging.contract import Capability, Control, Unit, Value
from eyespot.hal.libcamera.camera import Info

Raw = dict[str, Any]
"""Values by libcamera's names."""


@dataclass(frozen=True, slots=True)
class Translated:
    """One of our controls as a camera has it.

    Attributes:
        to_raw: what to ask libcamera for.
        from_raw: our value of what libcamera's controls hold; None: they do not tell.
    """

    capability: Capability
    to_raw: Callable[[Value], Raw]
    from_raw: Callable[[Mapping[str, Any]], Value | None]


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of ours that is one of libcamera's in another unit.

    Attributes:
        from_raw, to_raw: between its unit and ours; None: ours is its share of the range.
        least: smallest number that means something, for cameras that say 0 there.
        usual: default where the camera tells none.
        whole: libcamera takes whole numbers alone.
    """

    name: str
    unit: Unit
    from_raw: Callable[[float], float] | None = float
    to_raw: Callable[[float], float] = float
    least: float = float("-inf")
    usual: float = 0.0
    whole: bool = False


def _to_decibels(gain: float) -> float:
    return 20 * log10(gain)


def _from_decibels(decibels: float) -> float:
    return float(10 ** (decibels / 20))


_NUMBERS = {
    Control.EXPOSURE: _Number("ExposureTime", "s", lambda us: us / 1e6, lambda s: s * 1e6, least=1, whole=True),
    Control.GAIN: _Number("AnalogueGain", "dB", _to_decibels, _from_decibels, least=1.0),
    Control.EXPOSURE_COMPENSATION: _Number("ExposureValue", "stops"),
    Control.WHITE_BALANCE: _Number("ColourTemperature", "K", least=1000, usual=5000, whole=True),
    Control.FOCUS: _Number("LensPosition", "dioptres"),
    Control.SHARPNESS: _Number("Sharpness", "share", None),
    Control.BRIGHTNESS: _Number("Brightness", "share", None),
    Control.CONTRAST: _Number("Contrast", "share", None),
    Control.SATURATION: _Number("Saturation", "share", None),
}
_DENOISE = ("Off", "Minimal", "Fast", "HighQuality")
"""Members of libcamera's ``NoiseReductionMode``, weakest first; ``ZSL`` is for stills."""
_HDR = ("SingleExposure", "MultiExposure")
_MAINS_US = {"50": 10_000, "60": 8_333}
"""Periods of flicker: twice the mains' frequency."""


def translate(binding: Any, offered: Mapping[str, Info]) -> dict[Control, Translated]:
    """Our controls that the camera has, orientation apart."""
    enums = _Enums(binding, offered)
    made = [
        *_numbers(offered),
        *_modes(enums, offered),
        *_mains(enums, offered),
        *_levels(enums),
        *_colour_gains(offered),
    ]
    return {item.capability.control: item for item in made}


@dataclass(frozen=True, slots=True)
class _Enums:
    """Numbers of enumerators that the binding knows and the camera takes."""

    binding: Any
    offered: Mapping[str, Info]
    drafts: tuple[str, ...] = field(default=("NoiseReductionMode",))

    def number(self, control: str, member: str) -> int | None:
        info = self.offered.get(control)
        home = getattr(self.binding.controls, "draft", None) if control in self.drafts else self.binding.controls
        found = getattr(getattr(home, f"{control}Enum", None), member, None)
        if info is None or found is None:
            return None
        number = int(found)
        taken = number in info.values if info.values else info.low <= number <= info.high
        return number if taken else None

    def all_of(self, control: str, *members: str) -> list[int] | None:
        """The numbers of ``members``; None unless the camera takes each."""
        numbers = [self.number(control, member) for member in members]
        return [number for number in numbers if number is not None] if None not in numbers else None


def _numbers(offered: Mapping[str, Info]) -> Iterator[Translated]:
    for control, number in _NUMBERS.items():
        info = offered.get(number.name)
        if info is None:
            continue
        low, high = max(_scalar(info.low, 0.0), number.least), _scalar(info.high, 0.0)
        if low < high:
            yield _number(control, number, low, high, min(max(_scalar(info.default, number.usual), low), high))


def _number(control: Control, number: _Number, low: float, high: float, default: float) -> Translated:
    span, whole = high - low, number.whole

    def ours(raw: float) -> float:
        raw = min(max(raw, low), high)
        return (raw - low) / span if number.from_raw is None else number.from_raw(raw)

    def to_raw(value: Value) -> Raw:
        assert isinstance(value, float | int)
        raw = low + value * span if number.from_raw is None else number.to_raw(value)
        raw = min(max(raw, low), high)
        return {number.name: round(raw) if whole else float(raw)}

    def from_raw(state: Mapping[str, Any]) -> Value | None:
        return ours(_scalar(state[number.name], low)) if number.name in state else None

    return Translated(
        Capability(control, "number", ours(default), number.unit, ours(low), ours(high)), to_raw, from_raw
    )


def _modes(enums: _Enums, offered: Mapping[str, Info]) -> Iterator[Translated]:
    split = {
        name: numbers
        for name in ("ExposureTimeMode", "AnalogueGainMode")
        if (numbers := enums.all_of(name, "Auto", "Manual")) is not None
    }
    if split:
        words = {
            word: {name: numbers[index] for name, numbers in split.items()}
            for index, word in enumerate(("auto", "manual"))
        }
        yield _choice(Control.EXPOSURE_MODE, words, "auto")
    elif _can_switch(offered, "AeEnable"):
        yield _choice(Control.EXPOSURE_MODE, {"auto": {"AeEnable": True}, "manual": {"AeEnable": False}}, "auto")
    if _can_switch(offered, "AwbEnable"):
        balance = {"auto": {"AwbEnable": True}, "manual": {"AwbEnable": False}}
        yield _choice(Control.WHITE_BALANCE_MODE, balance, "auto")
    focus: dict[str, Raw] = {}
    continuous, once = enums.number("AfMode", "Continuous"), enums.number("AfMode", "Auto")
    if continuous is not None:
        focus["auto"] = {"AfMode": continuous}
    elif once is not None and (start := enums.number("AfTrigger", "Start")) is not None:
        focus["auto"] = {"AfMode": once, "AfTrigger": start}
    manual = enums.number("AfMode", "Manual")
    if manual is not None:
        focus["manual"] = {"AfMode": manual}
    if focus:
        info = offered["AfMode"]
        default = next((word for word, raw in focus.items() if raw["AfMode"] == info.default), next(iter(focus)))
        yield _choice(Control.FOCUS_MODE, focus, default)


def _mains(enums: _Enums, offered: Mapping[str, Info]) -> Iterator[Translated]:
    off, manual = enums.number("AeFlickerMode", "Off"), enums.number("AeFlickerMode", "Manual")
    period = offered.get("AeFlickerPeriod")
    if off is None or manual is None or period is None:
        return
    words: dict[str, Raw] = {"off": {"AeFlickerMode": off}}
    for word, period_us in _MAINS_US.items():
        if period.low <= period_us <= period.high:
            words[word] = {"AeFlickerMode": manual, "AeFlickerPeriod": period_us}
    if len(words) > 1:
        yield _choice(Control.MAINS, words, "off")


def _levels(enums: _Enums) -> Iterator[Translated]:
    """Choices of libcamera that are shares of ours."""
    levels = [number for name in _DENOISE if (number := enums.number("NoiseReductionMode", name)) is not None]
    if len(levels) > 1:
        yield _level(Control.DENOISE, "NoiseReductionMode", levels, enums.offered["NoiseReductionMode"].default)
    off = enums.number("HdrMode", "Off")
    on = next((number for name in _HDR if (number := enums.number("HdrMode", name)) is not None), None)
    if off is not None and on is not None:
        yield _level(Control.WDR, "HdrMode", [off, on], enums.offered["HdrMode"].default)


def _level(control: Control, name: str, levels: list[int], default: Any) -> Translated:
    step = 1 / (len(levels) - 1)

    def to_raw(value: Value) -> Raw:
        assert isinstance(value, float | int)
        return {name: levels[round(value / step)]}

    def from_raw(state: Mapping[str, Any]) -> Value | None:
        return levels.index(state[name]) * step if state.get(name) in levels else None

    start = levels.index(default) * step if default in levels else 0.0
    return Translated(Capability(control, "number", start, "share", 0.0, 1.0, step), to_raw, from_raw)


def _choice(control: Control, words: dict[str, Raw], default: str) -> Translated:
    def to_raw(value: Value) -> Raw:
        return dict(words[str(value)])

    def from_raw(state: Mapping[str, Any]) -> Value | None:
        """The word that has most in common with ``state``, and nothing against it."""
        for word, raw in sorted(words.items(), key=lambda item: -len(item[1])):
            known = [name for name in raw if name in state and not name.endswith("Trigger")]
            if known and all(state[name] == raw[name] for name in known):
                return word
        return None

    return Translated(Capability(control, "choice", default, options=tuple(words)), to_raw, from_raw)


def _colour_gains(offered: Mapping[str, Info]) -> Iterator[Translated]:
    """Red and blue are one control of libcamera; the driver puts the two together."""
    info = offered.get("ColourGains")
    if info is None:
        return
    low, high = _scalar(info.low, 0.0), _scalar(info.high, 0.0)
    if not low < high:
        return
    for index, control in enumerate((Control.RED_GAIN, Control.BLUE_GAIN)):
        yield _colour_gain(control, index, low, high)


def _colour_gain(control: Control, index: int, low: float, high: float) -> Translated:
    def to_raw(value: Value) -> Raw:
        return {f"ColourGains.{index}": value}

    def from_raw(state: Mapping[str, Any]) -> Value | None:
        return min(max(float(state["ColourGains"][index]), low), high) if "ColourGains" in state else None

    default = min(max(1.0, low), high)
    return Translated(Capability(control, "number", default, "factor", low, high), to_raw, from_raw)


def _can_switch(offered: Mapping[str, Info], name: str) -> bool:
    info = offered.get(name)
    if info is None:
        return False
    return {False, True} <= set(info.values) if info.values else info.low != info.high


def _scalar(value: Any, otherwise: float) -> float:
    """A number of libcamera; the first of an array, ``otherwise`` where a camera leaves it out."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    return otherwise if value is None else float(value)
