"""One view, followed for ever: connects again whenever the frames process went away or the view was taken and given."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.sdk.frame_memory import FrameMemory
from eyespot.sdk.ring_reader import RingFrame
from eyespot.sdk.view_client import ViewClient

log = logging.getLogger(__name__)

AGAIN_S = 0.5
REFUSED_AGAIN_S = 5.0
"""A view that is not granted may be granted later."""


async def follow(door: Path, view: str, take: Callable[[str, RingFrame], Awaitable[None]], clock: Clock) -> None:
    """Call ``take`` with each newest frame of ``view`` at the socket ``door``, until cancelled."""
    said = ""
    while True:
        try:
            client = await asyncio.to_thread(ViewClient, door, view)
            try:
                said = ""
                await _read(client, view, take)
            finally:
                client.close()
        except EyespotError as error:
            if str(error) != said:
                said = str(error)
                log.warning("view %s: %s", view, error)
            await clock.sleep(AGAIN_S if error.kind is Kind.UNAVAILABLE else REFUSED_AGAIN_S)


async def _read(client: ViewClient, view: str, take: Callable[[str, RingFrame], Awaitable[None]]) -> None:
    """Take frames until the connection ends, which raises ``UNAVAILABLE``."""
    ready, memory = asyncio.Event(), FrameMemory(client.view)
    number = client.fileno()
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.remove_reader(number)  # until the frame was handled: the socket would stay readable
        ready.set()

    try:
        while True:
            ready.clear()
            loop.add_reader(number, wake)
            await ready.wait()
            frame = client.take(memory.free())
            if frame is not None:
                await take(view, frame)
            del frame  # its memory may serve the next one
    finally:
        loop.remove_reader(number)
