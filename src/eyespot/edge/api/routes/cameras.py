"""Cameras, their newest picture, and their rules."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from eyespot.edge.api.camera_view import camera_answer
from eyespot.edge.api.config_change import change_config
from eyespot.edge.api.deps import Admin, Caller, Needs
from eyespot.edge.api.shapes import CameraAnswer, CamerasAnswer, RulesDocument
from eyespot.edge.config import CameraSettings
from eyespot.kernel.errors import EyespotError, Kind

router = APIRouter(prefix="/cameras", tags=["cameras"])

CameraPath = Annotated[str, Path(min_length=1, max_length=64, examples=["front-door"])]
Width = Annotated[int | None, Query(ge=32, le=4096)]
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
_SNAPSHOT_S = 5.0


@router.get("", operation_id="listCameras")
async def list_cameras(caller: Caller, deps: Needs) -> CamerasAnswer:
    """The cameras that the caller may see."""
    totals = await deps.footage.totals()
    cameras = [camera for camera in deps.settings.config.camera if caller.may_see(camera.id)]
    return CamerasAnswer(cameras=[camera_answer(camera, deps.feeds, totals) for camera in cameras])


@router.get("/{camera}", operation_id="getCamera")
async def get_camera(camera: CameraPath, caller: Caller, deps: Needs) -> CameraAnswer:
    """One camera."""
    found = deps.settings.camera(camera, caller)
    return camera_answer(found, deps.feeds, await deps.footage.totals())


@router.get("/{camera}/snapshot.jpg", operation_id="getSnapshot", response_class=Response, responses=JPEG)
async def snapshot(camera: CameraPath, caller: Caller, deps: Needs, width: Width = None) -> Response:
    """The newest key frame."""
    found = deps.settings.camera(camera, caller)
    _need_enabled(found)
    stream, packet = await deps.live.key_frame(found.id, found.shown, _SNAPSHOT_S)
    return Response(await deps.footage.picture(stream, packet, width), media_type="image/jpeg")


@router.get("/{camera}/rules", operation_id="getRules")
async def get_rules(camera: CameraPath, caller: Caller, deps: Needs) -> RulesDocument:
    """Zones, lines and privacy masks of a camera."""
    return _rules(deps.settings.camera(camera, caller))


@router.put("/{camera}/rules", operation_id="putRules")
async def put_rules(camera: CameraPath, body: RulesDocument, caller: Admin, deps: Needs) -> RulesDocument:
    """Replace zones, lines and, when they are sent, masks of a camera; in force at once and kept in the config file.

    New masks open the camera's streams again.
    """
    deps.settings.camera(camera, caller)
    await change_config(deps, lambda document: _replace_rules(document, camera, body))
    return _rules(deps.settings.camera(camera, caller))


def _replace_rules(document: dict[str, object], camera: str, rules: RulesDocument) -> None:
    cameras = document.get("camera")
    for item in cameras if isinstance(cameras, list) else []:
        if item.get("id") == camera:
            for key, values in (("mask", rules.masks), ("zone", rules.zones), ("line", rules.lines)):
                if values is None:
                    continue
                item.pop(key, None)
                if values:
                    item[key] = [value.model_dump(mode="json", exclude_defaults=True) for value in values]
            return
    raise EyespotError(Kind.CONFLICT, f"Camera {camera} is no longer in the config file.", "Load the cameras again.")


def _rules(camera: CameraSettings) -> RulesDocument:
    return RulesDocument(zones=list(camera.zone), lines=list(camera.line), masks=list(camera.mask))


def _need_enabled(camera: CameraSettings) -> None:
    if not camera.enabled:
        raise EyespotError(Kind.UNAVAILABLE, f"Camera {camera.id} is switched off.", "Switch it on in the settings.")
