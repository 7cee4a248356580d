"""Resting between two looks, cut short when it is time to stop."""

import asyncio

from eyespot.kernel.clock import Clock


async def first_of(event: asyncio.Event, clock: Clock, rest_s: float) -> None:
    """Return when ``event`` is set or the time has passed."""
    waits = [asyncio.create_task(event.wait()), asyncio.create_task(clock.sleep(rest_s))]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
