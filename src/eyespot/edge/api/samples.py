"""Samples of views, asked of the frames process one at a time: looking must not cost what services see."""

import asyncio

from eyespot.bus.contract import Bus
from eyespot.contracts.view import NamedView
from eyespot.contracts.view_sample import ViewSample
from eyespot.edge.frames.sample_asking import ask_sample
from eyespot.kernel.errors import EyespotError, Kind, unavailable

MAX_WAITING = 16


class Samples:
    """Asks over ``bus``."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def take(self, view: NamedView) -> ViewSample:
        """One frame of ``view``; raises ``UNAVAILABLE`` that says why none can be had, ``NOT_FOUND``, ``THROTTLED``."""
        if self._waiting >= MAX_WAITING:
            raise EyespotError(Kind.THROTTLED, "Many samples are being taken already.", "Try again in some seconds.")
        self._waiting += 1
        try:
            async with self._turn:
                return await ask_sample(self._bus, view)
        except EyespotError as error:
            if error.kind is Kind.UNAVAILABLE and error.what.startswith("Nobody answers"):
                raise unavailable(
                    "No sample can be had now: the process that cuts views does not run.",
                    "It runs while a service with a view does: start it, and look again.",
                ) from error
            raise
        finally:
            self._waiting -= 1
