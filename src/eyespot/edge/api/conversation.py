"""What all WebSockets of the API have in common: acceptance within limits, an end with a reason, and what ends them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import WebSocket, WebSocketDisconnect

from eyespot.edge.api.answers import error_body
from eyespot.edge.api.deps import Deps
from eyespot.edge.api.live import STUCK_S
from eyespot.edge.api.principal import Principal, unauthenticated
from eyespot.kernel.errors import EyespotError, Kind, invalid

log = logging.getLogger(__name__)

CHECK_S = 5.0
_MAX_CHATTER = 64
_GONE = (WebSocketDisconnect, RuntimeError, ConnectionError)
"""What sending to a peer that went away raises, by server implementation."""


@asynccontextmanager
async def conversation(socket: WebSocket, deps: Deps, caller: Principal) -> AsyncIterator[None]:
    """Accept within the caller's limits; end with an error message where there is one, and always with a close."""
    await socket.accept()
    try:
        with deps.sockets.hold(caller.name):
            yield
        code = 1000
    except EyespotError as error:
        code = 1013 if error.kind.value.retryable else 1008
        with contextlib.suppress(*_GONE, TimeoutError):
            async with asyncio.timeout(1.0):
                await socket.send_json({"type": "error", **error_body(error)["error"]})
    except _GONE as error:
        log.debug("viewer went away: %s", error)
        return
    with contextlib.suppress(*_GONE, TimeoutError):
        async with asyncio.timeout(1.0):
            await socket.close(code)


async def say(socket: WebSocket, text: str) -> None:
    """Send ``text``; raises ``UNAVAILABLE`` when the peer takes nothing for ``STUCK_S``."""
    try:
        async with asyncio.timeout(STUCK_S):
            await socket.send_text(text)
    except TimeoutError as error:
        raise EyespotError(Kind.UNAVAILABLE, "The listener takes nothing.", "Connect again.") from error


async def until_gone(socket: WebSocket) -> None:
    """Take what the peer sends, which means nothing; return when it goes, raise when it talks too much."""
    for _ in range(_MAX_CHATTER):
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
    raise invalid("Too many messages.", "Send only the first one.")


async def until_barred(deps: Deps, caller: Principal) -> None:
    """Raise ``UNAUTHENTICATED`` once the session ends or its rights change."""
    while deps.auth.still_holds(caller):
        await deps.clock.sleep(CHECK_S)
    raise unauthenticated()
