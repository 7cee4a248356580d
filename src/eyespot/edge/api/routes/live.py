"""The two WebSockets: live picture with tracks, and events as they happen."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from eyespot.edge.api.answers import error_body
from eyespot.edge.api.deps import Caller, Deps, Needs
from eyespot.edge.api.live import STUCK_S, VIEWER_BYTES, Viewer, wanted_codecs
from eyespot.edge.api.principal import Principal, unauthenticated
from eyespot.edge.api.routes.cameras import CameraPath
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found

log = logging.getLogger(__name__)
router = APIRouter()

HELLO_S = 10.0
CHECK_S = 5.0
_MAX_CHATTER = 64
_GONE = (WebSocketDisconnect, RuntimeError, ConnectionError)
"""What sending to a peer that went away raises, by server implementation."""


@router.websocket("/cameras/{camera}/live")
async def live(
    socket: WebSocket,
    camera: CameraPath,
    caller: Caller,
    deps: Needs,
    stream: Annotated[str | None, Query(max_length=64)] = None,
) -> None:
    """Live picture and tracks of one camera; docs/design/api.md describes the conversation."""
    async with _conversation(socket, deps, caller):
        found = deps.settings.camera(camera, caller)
        name = stream or found.shown
        if name not in [item.name for item in found.stream]:
            raise not_found(f"Camera {found.id} has no stream {name!r}.", "See the camera's streams.")
        if not found.enabled:
            raise EyespotError(Kind.UNAVAILABLE, f"Camera {found.id} is switched off.", "Switch it on in the settings.")
        codecs = wanted_codecs(await _first_message(socket))
        async with deps.live.reader(found.id, name, f"viewer {caller.name}", VIEWER_BYTES) as reader:
            viewer = Viewer(socket, reader, codecs)
            await _first_to_end(
                viewer.send_stream(),
                viewer.send_tracks(deps.feeds, found.id),
                viewer.send_states(deps.feeds, found.id),
                _until_gone(socket),
                _until_barred(deps, caller),
            )


@router.websocket("/events/live")
async def events_live(socket: WebSocket, caller: Caller, deps: Needs) -> None:
    """Each event as JSON when it starts, improves or ends."""
    async with _conversation(socket, deps, caller):
        await _first_to_end(_send_events(socket, caller, deps), _until_gone(socket), _until_barred(deps, caller))


@asynccontextmanager
async def _conversation(socket: WebSocket, deps: Deps, caller: Principal) -> AsyncIterator[None]:
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


async def _first_message(socket: WebSocket) -> str:
    try:
        async with asyncio.timeout(HELLO_S):
            return await socket.receive_text()
    except TimeoutError as error:
        raise invalid("No first message came.", 'Send {"type": "mse", "value": "…"} at once.') from error
    except KeyError as error:  # a binary message has no text
        raise invalid("The first message is not text.", 'Send {"type": "mse", "value": "…"}.') from error


async def _until_gone(socket: WebSocket) -> None:
    """Take what the peer sends, which means nothing; return when it goes, raise when it talks too much."""
    for _ in range(_MAX_CHATTER):
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
    raise invalid("Too many messages.", "Send only the first one.")


async def _until_barred(deps: Deps, caller: Principal) -> None:
    """Raise ``UNAUTHENTICATED`` once the session ends or its rights change."""
    while deps.auth.still_holds(caller):
        await deps.clock.sleep(CHECK_S)
    raise unauthenticated()


async def _send_events(socket: WebSocket, caller: Principal, deps: Deps) -> None:
    async for event in deps.feeds.events():
        if caller.may_see(event.camera):
            try:
                async with asyncio.timeout(STUCK_S):
                    await socket.send_text(event.model_dump_json())
            except TimeoutError as error:
                raise EyespotError(Kind.UNAVAILABLE, "The listener takes nothing.", "Connect again.") from error


async def _first_to_end(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends or raises, then end the others and raise what it raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
