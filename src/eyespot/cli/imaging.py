"""`eyespot imaging DEVICE`: what can be set on a local camera, what is in force, and setting it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from eyespot.hal.imaging.contract import Capability, Control, Value


def imaging(
    device: Annotated[str, typer.Argument(help="A local camera, for example /dev/video0 or libcamera:0.")],
    wishes: Annotated[list[str] | None, typer.Argument(metavar="CONTROL=VALUE", help="Settings to make.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show or set how a local camera takes its pictures: exposure, gain, white balance, focus and the like."""
    import json

    from eyespot.hal.imaging.chooser import open_imaging
    from eyespot.hal.libcamera.address import is_libcamera
    from eyespot.kernel.errors import invalid

    if wishes and is_libcamera(device):
        raise invalid(
            f"{device} keeps no settings once this command has ended.",
            "Set them under [camera.imaging] of its camera.",
        )
    driver = open_imaging(device)
    try:
        offered = driver.capabilities()
        if wishes:
            driver.apply(read_wishes(wishes, offered))
        values = driver.read()
    finally:
        driver.close()
    if json_line:
        typer.echo(json.dumps({"device": device, "controls": document(offered, values)}))
        return
    if not offered:
        typer.echo(f"{device} offers no imaging controls.")
    for control, item in offered.items():
        typer.echo(f"{control.value:22} {_shown(values[control]):>10} {item.unit:9} {_range(item)}")


def read_wishes(wishes: "list[str]", offered: "Mapping[Control, Capability]") -> "dict[Control, Value]":
    """``CONTROL=VALUE`` texts as values of the kinds that the controls take; raises ``INVALID`` on others."""
    from eyespot.hal.imaging.contract import Control
    from eyespot.kernel.errors import invalid

    values: dict[Control, Value] = {}
    for wish in wishes:
        name, equals, text = wish.partition("=")
        try:
            control = Control(name)
        except ValueError as error:
            raise invalid(f"There is no control '{name}'.", f"Choose of: {', '.join(Control)}.") from error
        if not equals or not text:
            raise invalid(f"'{wish}' sets nothing.", f"Write {name}=VALUE.")
        values[control] = _value(text, offered[control].kind) if control in offered else text
    return values


def document(offered: "Mapping[Control, Capability]", values: "Mapping[Control, Value]") -> dict[str, Any]:
    """The controls as JSON-ready data."""
    entries: dict[str, Any] = {}
    for control, item in offered.items():
        entry: dict[str, Any] = {"value": values[control], "kind": item.kind, "default": item.default}
        if item.kind == "number":
            entry |= {"unit": item.unit, "low": item.low, "high": item.high, "step": item.step}
        if item.kind == "choice":
            entry |= {"unit": item.unit, "options": list(item.options)}
        entries[control.value] = entry
    return entries


def _value(text: str, kind: str) -> "Value":
    from eyespot.kernel.errors import invalid

    if kind == "number":
        try:
            return float(text)
        except ValueError as error:
            raise invalid(f"'{text}' is no number.") from error
    if kind == "switch":
        words = {"on": True, "true": True, "off": False, "false": False}
        if text not in words:
            raise invalid(f"'{text}' is neither on nor off.")
        return words[text]
    return text


def _shown(value: "Value") -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def _range(item: "Capability") -> str:
    if item.kind == "number":
        steps = f", steps of {item.step:g}" if item.step else ""
        return f"{item.low:g} to {item.high:g}{steps}"
    return " | ".join(item.options) if item.kind == "choice" else "on | off"
