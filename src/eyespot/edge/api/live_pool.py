"""One subscription per camera stream, however many people watch: opened for the first viewer, closed after the last."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, unavailable
from eyespot.media.hub import Hub, Reader
from eyespot.media.packet_socket import PacketClient

log = logging.getLogger(__name__)

SOURCE_BYTES = 8 << 20
_RETRY_S = 1.0


class _Shared:
    """A running subscription and how many use it."""

    def __init__(self, hub: Hub, task: asyncio.Task[None]) -> None:
        self.hub = hub
        self.task = task
        self.users = 0


class LivePool:
    """Hands out readers of live streams; subscribes to the media process once per stream."""

    def __init__(self, client: PacketClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._shared: dict[tuple[str, str], _Shared] = {}

    @asynccontextmanager
    async def reader(self, camera: str, stream: str, name: str, max_bytes: int) -> AsyncIterator[Reader]:
        """A reader of one stream: the format and the packets since the last key frame come first.

        It goes on over restarts of the media process: a new format then follows. A reader that is slower than the
        stream loses its oldest packets up to a key frame and never slows another.
        """
        key = (camera, stream)
        shared = self._shared.get(key)
        if shared is None:
            hub = Hub(f"live/{camera}/{stream}")
            task = asyncio.create_task(self._follow(camera, stream, hub), name=hub.name)
            shared = self._shared[key] = _Shared(hub, task)
        shared.users += 1
        try:
            reader = shared.hub.reader(name, max_bytes=max_bytes)
            try:
                yield reader
            finally:
                reader.close()
        finally:
            shared.users -= 1
            if shared.users == 0:
                del self._shared[key]
                await _end(shared)

    async def key_frame(self, camera: str, stream: str, timeout_s: float) -> tuple[StreamFormat, Packet]:
        """The newest key frame with its format; raises ``UNAVAILABLE`` when none comes within ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s), self.reader(camera, stream, "snapshot", SOURCE_BYTES) as reader:
                found: StreamFormat | None = None
                async for unit in reader:
                    if isinstance(unit, StreamFormat):
                        found = unit
                    elif found and unit.track == "video" and unit.is_key:
                        return found, unit
        except TimeoutError:
            pass
        raise unavailable(f"Camera {camera} shows no picture now.", "See its state, and try again.")

    def status(self) -> dict[str, Any]:
        """Open subscriptions with their readers."""
        return {f"{camera}/{stream}": shared.hub.status() for (camera, stream), shared in self._shared.items()}

    async def close(self) -> None:
        """End every subscription; readers end too."""
        for shared in list(self._shared.values()):
            shared.hub.close()
            await _end(shared)

    async def _follow(self, camera: str, stream: str, hub: Hub) -> None:
        said = ""
        while True:
            try:
                units = self._client.units(camera, stream, reader="api", max_bytes=SOURCE_BYTES)
                async with contextlib.aclosing(units):
                    async for unit in units:
                        hub.publish(unit)
                        said = ""
            except EyespotError as error:
                if str(error) != said:
                    log.info("live %s/%s waits: %s", camera, stream, error)
                said = str(error)
            await self._clock.sleep(_RETRY_S)


async def _end(shared: _Shared) -> None:
    shared.task.cancel()
    await asyncio.gather(shared.task, return_exceptions=True)
