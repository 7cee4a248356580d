"""What a service watches of the picture: parts drawn for it, and zones of the camera that its settings name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eyespot.contracts.zones import Zone
from eyespot.kernel.errors import EyespotError
from eyespot.sdk.regions import Region, read_regions


@dataclass(frozen=True, slots=True)
class Watched:
    """Attributes:
    regions: those drawn for it, then the camera's, each with a name of its own.
    trouble: what of it could not be had, in words for the owner; empty when all could.
    """

    regions: tuple[Region, ...] = ()
    trouble: str = ""


def watched(drawn: Iterable[Mapping[str, Any]], zones: Iterable[Zone], names: Iterable[str]) -> Watched:
    """``drawn`` (see ``read_regions``) and those of ``zones`` that are called ``names``.

    An owner's slip costs what it concerns, not the rest: a zone that is gone, or two of one name.
    """
    trouble: list[str] = []
    regions: tuple[Region, ...] = ()
    try:
        regions = read_regions(drawn)
    except EyespotError as error:
        trouble.append(str(error))
    areas = {zone.name: zone for zone in zones if zone.kind == "zone"}
    for name in dict.fromkeys(names):
        if name not in areas:
            trouble.append(f"There is no zone '{name}' that may be seen: choose one that there is, or grant the zones.")
        elif any(region.name == name for region in regions):
            trouble.append(f"A zone and a part of the picture are called '{name}': give one another name.")
        else:
            regions = (*regions, Region(name, areas[name].points))
    return Watched(regions, " ".join(trouble))
