"""Exact synthetic tracks for the built-in services: objects that are where a function of time says."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from eyespot.contracts.track import Track, TracksMessage
from eyespot.contracts.zones import Zone
from eyespot.edge.services.builtin import find_built_in
from eyespot.kernel.clock import NS_PER_S
from eyespot.sdk.rehearsal import Rehearsal
from eyespot.sdk.service import Service

WALL_NS = 1_790_000_000 * NS_PER_S
Foot = tuple[float, float]
Where = Callable[[float], Foot | None]
"""Seconds → foot point in fractions of the picture, None while it is not there."""


def person(
    number: int, foot: Foot, *, height: float = 0.2, label: str = "person", zones: tuple[str, ...] = ()
) -> Track:
    x, y = foot
    half = height / 4
    return Track(id=number, label=label, score=0.9, box=(x - half, y - height, x + half, y), zones=zones)


def moment(at_s: float, *tracks: Track, aspect: float = 1.0, wall_ns: int = WALL_NS) -> TracksMessage:
    at_ns = round(at_s * NS_PER_S)
    return TracksMessage(
        camera="front", capture_ns=at_ns + NS_PER_S, wall_ns=wall_ns + at_ns, tracks=tracks, aspect=aspect
    )


def walk(seconds: float, *where: Where, begin_s: float = 0.0, rate_hz: float = 5.0) -> Iterator[TracksMessage]:
    """Messages of people 1, 2, … who are where each of ``where`` says."""
    for step in range(round(seconds * rate_hz)):
        at_s = begin_s + step / rate_hz
        found = [(number, foot(at_s)) for number, foot in enumerate(where, 1)]
        yield moment(at_s, *(person(number, foot) for number, foot in found if foot is not None))


def square(name: str, left: float, right: float) -> Zone:
    """A zone of the camera: all of the picture between two fractions of its width."""
    return Zone(name=name, kind="zone", points=((left, 0), (right, 0), (right, 1), (left, 1)))


def rehearse(service: type[Service], scratch: Path, *, drawn: Iterable[Zone] = (), **settings: Any) -> Rehearsal:
    """The built-in ``service``, started with its own manifest on a camera with the zones ``drawn``."""
    return Rehearsal(service, find_built_in(service.__name__.lower()), scratch, settings=settings, zones=drawn)
