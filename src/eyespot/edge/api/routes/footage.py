"""The archive: timeline, thumbnails, playback and export."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from eyespot.contracts.event import Event
from eyespot.edge.api.deps import Caller, Deps, Needs
from eyespot.edge.api.principal import Principal
from eyespot.edge.api.routes.cameras import JPEG, CameraPath, Width
from eyespot.edge.api.shapes import MAX_WALL_NS, EventMark, Span, TimelineAnswer
from eyespot.edge.config import CameraSettings
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import invalid
from eyespot.record.timeline import coverage

log = logging.getLogger(__name__)
router = APIRouter(prefix="/cameras", tags=["footage"])

FromNs = Annotated[int, Query(ge=0, le=MAX_WALL_NS, examples=[1_700_000_000_000_000_000])]
ToNs = Annotated[int, Query(ge=0, le=MAX_WALL_NS, examples=[1_700_000_060_000_000_000])]
MP4: dict[int | str, dict[str, Any]] = {
    200: {"content": {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}}
}
_MAX_MARKS = 2000
_MAX_TIMELINE_NS = 35 * 86_400 * NS_PER_S
_DEFAULT_WIDTH_PX = 320


@router.get("/{camera}/timeline", operation_id="getTimeline")
async def timeline(camera: CameraPath, from_ns: FromNs, to_ns: ToNs, caller: Caller, deps: Needs) -> TimelineAnswer:
    """What was recorded, and the events, between two moments at most 35 days apart."""
    found = deps.settings.camera(camera, caller)
    if not 0 < to_ns - from_ns <= _MAX_TIMELINE_NS:
        raise invalid("A timeline spans more than nothing and at most 35 days.", "Ask for less at a time.")
    gap_s = max(2.0, (to_ns - from_ns) / NS_PER_S / _MAX_MARKS)
    spans = await deps.footage.run(coverage, deps.footage.index, found.id, found.recorded, from_ns, to_ns, gap_s)
    events = await asyncio.to_thread(deps.events.between, found.id, from_ns, to_ns, _MAX_MARKS)
    return TimelineAnswer(
        coverage=[Span(from_ns=start, to_ns=end) for start, end in spans[-_MAX_MARKS:]],
        events=[_mark(event) for event in events],
    )


@router.get("/{camera}/thumbnail.jpg", operation_id="getThumbnail", response_class=Response, responses=JPEG)
async def thumbnail(
    camera: CameraPath, at_ns: FromNs, caller: Caller, deps: Needs, width: Width = _DEFAULT_WIDTH_PX
) -> Response:
    """The newest archived key frame at or before a moment."""
    found = deps.settings.camera(camera, caller)
    picture = await deps.footage.thumbnail(found.id, found.recorded, at_ns, width or _DEFAULT_WIDTH_PX)
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})


@router.get("/{camera}/playback", operation_id="getPlayback", response_class=StreamingResponse, responses=MP4)
async def play(camera: CameraPath, from_ns: FromNs, to_ns: ToNs, caller: Caller, deps: Needs) -> StreamingResponse:
    """Footage as fragmented MP4 for Media Source Extensions; media time 0 is ``from_ns``."""
    found = deps.settings.camera(camera, caller)
    deps.footage.check_streams(caller.name)
    opened = await deps.footage.open_playback(found.id, found.recorded, from_ns, to_ns)
    headers = {"X-Eyespot-Mime": opened.mime, "X-Eyespot-Start-Ns": str(opened.start_wall_ns)}
    return StreamingResponse(deps.footage.chunks(iter(opened), caller.name), media_type="video/mp4", headers=headers)


@router.get("/{camera}/export.mp4", operation_id="exportClip", response_class=StreamingResponse, responses=MP4)
async def export(camera: CameraPath, from_ns: FromNs, to_ns: ToNs, caller: Caller, deps: Needs) -> StreamingResponse:
    """Footage as one ordinary MP4 file, at most two hours; it begins with the key frame before ``from_ns``."""
    found = deps.settings.camera(camera, caller)
    return await clip_answer(deps, caller, found, from_ns, to_ns)


async def clip_answer(
    deps: Deps, caller: Principal, camera: CameraSettings, from_ns: int, to_ns: int
) -> StreamingResponse:
    """A clip of a camera as a download."""
    deps.footage.check_streams(caller.name)
    clip = await deps.exports.make(camera.id, camera.recorded, from_ns, to_ns)
    moment = datetime.fromtimestamp(clip.start_wall_ns // NS_PER_S, UTC)
    headers = {
        "Content-Length": str(clip.size_bytes),
        "Content-Disposition": f'attachment; filename="{camera.id}_{moment:%Y-%m-%d_%H-%M-%S}Z.mp4"',
    }
    log.info("audit: %s exported %s from %d to %d", caller.name, camera.id, from_ns, to_ns)
    return StreamingResponse(deps.footage.chunks(clip.chunks(), caller.name), media_type="video/mp4", headers=headers)


def _mark(event: Event) -> EventMark:
    return EventMark(
        id=event.id, kind=event.kind, label=event.label, start_ns=event.start_wall_ns, end_ns=event.end_wall_ns
    )
