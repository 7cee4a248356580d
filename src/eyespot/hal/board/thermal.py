"""Thermal zones: how warm the board says it is."""

from collections.abc import Iterator
from pathlib import Path

from eyespot.hal.board.item import Item
from eyespot.hal.board.roots import Roots, entries, text

_HOT = 0.9
"""Share of a zone's lowest hot or passive trip point from which it is called hot."""


def look_for_thermal_zones(roots: Roots) -> Iterator[Item]:
    """Each zone with its temperature, and the temperature from which the kernel slows the board down."""
    for zone in entries(roots.sys, "class/thermal/thermal_zone[0-9]*"):
        kind = text(zone / "type", 64) or zone.name
        now_c = _celsius(text(zone / "temp", 32))
        if now_c is None:
            yield Item("thermal", zone.name, False, f"{kind}: does not answer")
            continue
        limit_c = _limit_c(zone)
        what = f"{kind}: {now_c:.0f} °C" + (f", slows down from {limit_c:.0f} °C" if limit_c else "")
        hot = limit_c is not None and now_c >= _HOT * limit_c
        yield Item("thermal", zone.name, True, what, "It is hot: give it air." if hot else "")


def _limit_c(zone: Path) -> float | None:
    """The lowest trip point at which the kernel acts."""
    limits = [
        _celsius(text(point.with_name(point.name.replace("_type", "_temp")), 32))
        for point in entries(zone, "trip_point_*_type")
        if text(point, 32) in ("passive", "hot", "critical")
    ]
    return min((limit for limit in limits if limit is not None and limit > 0), default=None)


def _celsius(word: str) -> float | None:
    try:
        return int(word) / 1000
    except ValueError:
        return None
