"""Refuses wrong settings in the same words for every imaging driver."""

from collections.abc import Mapping
from math import isfinite

from eyespot.contracts.lens import Polygon, check_masks
from eyespot.hal.imaging.contract import MODE_OF, Capability, Control, Value
from eyespot.kernel.errors import EyespotError, Kind, invalid


def check(
    capabilities: Mapping[Control, Capability], values: Mapping[Control, Value], now: Mapping[Control, Value]
) -> dict[Control, Value]:
    """``values`` with numbers rounded to their steps, modes first; ``now`` is what is in force.

    Raises as ``contract.Imaging.apply`` says.
    """
    checked: dict[Control, Value] = {}
    for control, value in sorted(values.items(), key=lambda item: item[0] in MODE_OF):
        capability = capabilities.get(control)
        if capability is None:
            offered = ", ".join(item.value for item in capabilities) or "nothing"
            raise invalid(f"This camera offers no control '{control}'.", f"It offers: {offered}.")
        checked[control] = _value(capability, value)
    for control, mode in MODE_OF.items():
        if control in checked and mode in capabilities and checked.get(mode, now.get(mode)) != "manual":
            raise EyespotError(
                Kind.CONFLICT,
                f"{control.value} cannot be set while {mode.value} is auto.",
                f"Set {mode.value} to manual.",
            )
    return checked


def _value(capability: Capability, value: Value) -> Value:
    name = capability.control.value
    match capability.kind:
        case "number":
            return _number(capability, value)
        case "choice":
            if not isinstance(value, str) or value not in capability.options:
                raise invalid(f"{name} cannot be '{value}'.", f"Choose one of: {', '.join(capability.options)}.")
            return value
        case "switch":
            if not isinstance(value, bool):
                raise invalid(f"{name} cannot be '{value}'.", "It is on (true) or off (false).")
            return value
        case "polygons":
            if not isinstance(value, tuple):
                raise invalid(f"{name} cannot be '{value}'.", "It is a list of polygons.")
            return _polygons(capability, value)


def _number(capability: Capability, value: Value) -> float:
    unit = f" {capability.unit}" if capability.unit else ""
    fits = isinstance(value, float | int) and not isinstance(value, bool) and isfinite(value)
    if not fits or not capability.low <= float(value) <= capability.high:  # type: ignore[arg-type]
        raise invalid(
            f"{capability.control.value} cannot be {value}.",
            f"It may be {capability.low:g} to {capability.high:g}{unit}.",
        )
    number = float(value)  # type: ignore[arg-type]
    if capability.step > 0:
        steps = round((number - capability.low) / capability.step)
        number = min(capability.low + steps * capability.step, capability.high)
    return number


def _polygons(capability: Capability, value: tuple[Polygon, ...]) -> tuple[Polygon, ...]:
    if len(value) > capability.high:
        raise invalid(f"{len(value)} polygons are too many here.", f"At most {capability.high:g} can be hidden.")
    check_masks(value)
    return value
