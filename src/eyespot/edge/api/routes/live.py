"""The WebSockets: live picture with tracks, events as they happen, and how a service is."""

import asyncio
import contextlib
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket

from eyespot.edge.api.conversation import conversation, say, until_barred, until_gone
from eyespot.edge.api.deps import Caller, Deps, Needs
from eyespot.edge.api.live import VIEWER_BYTES, Viewer, wanted_codecs
from eyespot.edge.api.principal import Principal
from eyespot.edge.api.routes.cameras import CameraPath
from eyespot.edge.api.routes.services import ServicePath
from eyespot.edge.api.service_watch import watch
from eyespot.edge.first_to_end import first_to_end
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found

router = APIRouter()

HELLO_S = 10.0


@router.websocket("/cameras/{camera}/live")
async def live(
    socket: WebSocket,
    camera: CameraPath,
    caller: Caller,
    deps: Needs,
    stream: Annotated[str | None, Query(max_length=64)] = None,
) -> None:
    """Live picture and tracks of one camera; docs/design/api.md describes the conversation."""
    async with conversation(socket, deps, caller):
        found = deps.settings.camera(camera, caller)
        name = stream or found.shown
        if name not in [item.name for item in found.stream]:
            raise not_found(f"Camera {found.id} has no stream {name!r}.", "See the camera's streams.")
        if not found.enabled:
            raise EyespotError(Kind.UNAVAILABLE, f"Camera {found.id} is switched off.", "Switch it on in the settings.")
        codecs = wanted_codecs(await _first_message(socket))
        async with deps.live.reader(found.id, name, f"viewer {caller.name}", VIEWER_BYTES) as reader:
            viewer = Viewer(socket, reader, codecs)
            await first_to_end(
                viewer.send_stream(),
                viewer.send_tracks(deps.feeds, found.id),
                viewer.send_states(deps.feeds, found.id),
                until_gone(socket),
                until_barred(deps, caller),
            )


@router.websocket("/events/live")
async def events_live(socket: WebSocket, caller: Caller, deps: Needs) -> None:
    """Each event as JSON when it starts, improves or ends."""
    async with conversation(socket, deps, caller):
        await first_to_end(_send_events(socket, caller, deps), until_gone(socket), until_barred(deps, caller))


@router.websocket("/services/{service}/live")
async def service_live(socket: WebSocket, service: ServicePath, caller: Caller, deps: Needs) -> None:
    """A service's live state each time it says it, and how it is each time that changed; for admins."""
    async with conversation(socket, deps, caller):
        caller.need_admin()
        await first_to_end(_send_service(socket, service, deps), until_gone(socket), until_barred(deps, caller))


async def _first_message(socket: WebSocket) -> str:
    try:
        async with asyncio.timeout(HELLO_S):
            return await socket.receive_text()
    except TimeoutError as error:
        raise invalid("No first message came.", 'Send {"type": "mse", "value": "…"} at once.') from error
    except KeyError as error:  # a binary message has no text
        raise invalid("The first message is not text.", 'Send {"type": "mse", "value": "…"}.') from error


async def _send_events(socket: WebSocket, caller: Principal, deps: Deps) -> None:
    async for event in deps.feeds.events():
        if caller.may_see(event.camera):
            await say(socket, event.model_dump_json())


async def _send_service(socket: WebSocket, service: str, deps: Deps) -> None:
    async with contextlib.aclosing(watch(deps.services, service, deps.clock)) as news:
        async for one in news:
            await say(socket, one.model_dump_json())
