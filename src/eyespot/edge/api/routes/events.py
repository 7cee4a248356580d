"""Events: search, one event, its best frame, its footage."""

import asyncio
import re
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse, Response, StreamingResponse

from eyespot.contracts.event import Event
from eyespot.edge.api.deps import Caller, Deps, Needs
from eyespot.edge.api.principal import Principal
from eyespot.edge.api.routes.cameras import JPEG
from eyespot.edge.api.routes.footage import MP4, clip_answer
from eyespot.edge.api.shapes import MAX_WALL_NS, EventsAnswer
from eyespot.edge.events.query import EventQuery
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import not_found

router = APIRouter(prefix="/events", tags=["events"])

EventId = Annotated[str, Path(min_length=1, max_length=64)]
Filter = Annotated[str | None, Query(max_length=64)]
Moment = Annotated[int | None, Query(ge=0, le=MAX_WALL_NS)]
_MAX_PAGES = 20
_MARGIN_NS = 5 * NS_PER_S
_LONGEST_CLIP_NS = 600 * NS_PER_S
_PICTURE = re.compile(r"[a-z0-9_-]{1,64}/[A-Za-z0-9_-]{1,64}\.jpg")


@router.get("", operation_id="listEvents")
async def list_events(
    caller: Caller,
    deps: Needs,
    camera: Filter = None,
    kind: Filter = None,
    label: Filter = None,
    zone: Filter = None,
    from_ns: Moment = None,
    to_ns: Moment = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[str | None, Query(max_length=128)] = None,
) -> EventsAnswer:
    """Events that match, newest first."""
    if camera is not None:
        caller.need_camera(camera)
    query = EventQuery(camera, kind, label, zone, from_ns, to_ns, limit, before)
    events, cursor = await asyncio.to_thread(_find, deps, query, caller)
    return EventsAnswer(events=events, next=cursor)


@router.get("/{event_id}", operation_id="getEvent")
async def get_event(event_id: EventId, caller: Caller, deps: Needs) -> Event:
    """One event."""
    return await visible_event(event_id, caller, deps)


@router.get("/{event_id}/picture.jpg", operation_id="getEventPicture", response_class=Response, responses=JPEG)
async def get_picture(event_id: EventId, caller: Caller, deps: Needs) -> Response:
    """The event's best frame."""
    event = await visible_event(event_id, caller, deps)
    file = picture_file(deps.layout.media_dir, event)
    if file is None:
        raise not_found("This event has no picture.", "")
    return FileResponse(file, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})


@router.get("/{event_id}/clip.mp4", operation_id="getEventClip", response_class=StreamingResponse, responses=MP4)
async def get_clip(event_id: EventId, caller: Caller, deps: Needs) -> StreamingResponse:
    """The event's footage with five seconds before and after, at most ten minutes."""
    event = await visible_event(event_id, caller, deps)
    camera = deps.settings.camera(event.camera, caller)
    from_ns = max(0, event.start_wall_ns - _MARGIN_NS)
    end_ns = event.end_wall_ns if event.end_wall_ns is not None else deps.clock.wall_ns()
    to_ns = min(end_ns + _MARGIN_NS, from_ns + _LONGEST_CLIP_NS)
    return await clip_answer(deps, caller, camera, from_ns, to_ns)


async def visible_event(event_id: str, caller: Principal, deps: Deps) -> Event:
    """The event, when the caller may see its camera; raises ``NOT_FOUND``."""
    event = await asyncio.to_thread(deps.events.get, event_id)
    if event is None or not caller.may_see(event.camera):
        raise not_found("There is no such event.", "It may have been deleted with its footage.")
    return event


def picture_file(media: FilePath, event: Event) -> FilePath | None:
    """The picture's file below ``media``; None when there is none or its stored name is not one that we make."""
    if not _PICTURE.fullmatch(event.picture) or not event.picture.startswith(f"{event.camera}/"):
        return None
    file = media / event.picture
    return file if file.is_file() and not file.is_symlink() and not file.parent.is_symlink() else None


def _find(deps: Deps, query: EventQuery, caller: Principal) -> tuple[list[Event], str | None]:
    """A page of what the caller may see; for one who sees only some cameras it may be short while ``next`` is set."""
    events, cursor = deps.events.find(query)
    if caller.cameras is None:
        return events, cursor
    kept = [event for event in events if caller.may_see(event.camera)]
    for _ in range(_MAX_PAGES):
        if kept or cursor is None:
            break
        events, cursor = deps.events.find(_after(query, cursor))
        kept = [event for event in events if caller.may_see(event.camera)]
    return kept, cursor


def _after(query: EventQuery, cursor: str) -> EventQuery:
    return EventQuery(
        query.camera, query.kind, query.label, query.zone, query.from_ns, query.to_ns, query.limit, cursor
    )
