"""One service as somebody looks at it: its live state at once, and how it is each time that changed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from eyespot.edge.api.service_shapes import LiveNews, LiveState, ServiceNews
from eyespot.edge.api.services_now import ServicesNow
from eyespot.kernel.clock import Clock, from_seconds

LOOK_S = 1.0
"""How often the store and the report of the services process are looked at; neither says when it changed."""
PACE_S = 0.1
"""A service may say its state faster than anybody reads: states that are replaced meanwhile are not sent."""


async def watch(services: ServicesNow, name: str, clock: Clock) -> AsyncGenerator[ServiceNews | LiveNews, None]:
    """Everything once, then what is new; ends with ``NOT_FOUND`` when the service is removed."""
    with services.states.listening(name) as said:
        known = await services.one(name)
        yield ServiceNews(service=known)
        looked_ns, live = clock.monotonic_ns(), known.live
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await said.wait()
            said.clear()
            state = services.states.latest(name)
            now = LiveState(wall_ns=state.wall_ns, values=state.values) if state else None
            if now is not None and now != live:
                live = now
                yield LiveNews(live=now)
                await clock.sleep(PACE_S)
            if clock.monotonic_ns() - looked_ns >= from_seconds(LOOK_S):
                looked_ns, found = clock.monotonic_ns(), await services.one(name)
                if found.model_copy(update={"live": None}) != known.model_copy(update={"live": None}):
                    known = found
                    yield ServiceNews(service=found)
