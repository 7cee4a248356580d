"""Signing in to the bus server for a service, and waiting until the server knows it: it reloads when it gets to it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eyespot.bus.server import signature
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import unavailable

TRIES, TRY_AGAIN_S, ANSWER_S = 100, 0.05, 5.0
Address = Callable[[], tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Place:
    """A service's place on the bus: what is told to the server."""

    name: str
    public_key: str
    seed: str = field(repr=False)

    def credentials(self, nonce: str) -> dict[str, Any]:
        """What goes into CONNECT."""
        signed = signature(self.seed, nonce)
        return {"name": self.name, "nkey": self.public_key, "sig": signed, "tls_required": False}


async def wait_until_let_in(place: Place, address: Address, clock: Clock) -> None:
    """Return once the server lets ``place`` in; raises ``UNAVAILABLE`` after some seconds."""
    for _ in range(TRIES):
        try:
            async with asyncio.timeout(ANSWER_S):
                if await _try(place, *address()):
                    return
        except (OSError, TimeoutError, ValueError):
            pass  # a server that starts; the loop is bounded
        await clock.sleep(TRY_AGAIN_S)
    raise unavailable(f"The bus does not let {place.name} in.", "See run/nats.log.")


async def _try(place: Place, host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        info = json.loads((await reader.readline()).partition(b" ")[2])
        told = {**place.credentials(str(info.get("nonce", ""))), "verbose": False}
        writer.write(f"CONNECT {json.dumps(told)}\r\nPING\r\n".encode())
        return (await reader.readline()).startswith(b"PONG")
    finally:
        writer.close()
