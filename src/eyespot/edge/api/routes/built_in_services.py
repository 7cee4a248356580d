"""The services that came with the camera, for admins: what there is, and one of them to be looked at like a package."""

import asyncio
import logging
from pathlib import Path as FilePath

from fastapi import APIRouter

from eyespot.contracts.service import read_manifest
from eyespot.edge.api.deps import Admin, Needs
from eyespot.edge.api.routes.service_uploads import CameraQuery, tell_upload
from eyespot.edge.api.routes.services import ServicePath
from eyespot.edge.api.service_shapes import BuiltInAnswer, BuiltInsAnswer, UploadAnswer
from eyespot.edge.services.builtin import built_in, find_built_in

log = logging.getLogger(__name__)
router = APIRouter(prefix="/built-in-services", tags=["services"])


@router.get("", operation_id="listBuiltInServices")
async def list_built_in(_admin: Admin, deps: Needs) -> BuiltInsAnswer:
    """All that came with the camera, and which of them are installed."""
    installed = {brief.name: brief.version for brief in await deps.services.briefs()}
    return BuiltInsAnswer(services=await asyncio.to_thread(_answers, built_in(), installed))


@router.post("/{service}/upload", operation_id="offerBuiltInService", status_code=201)
async def offer(service: ServicePath, admin: Admin, deps: Needs, camera: CameraQuery = "") -> UploadAnswer:
    """Let one wait for consent as if it had been sent. Nothing is installed: the answer says what it asks for."""
    taken = await deps.uploads.offer(find_built_in(service))
    log.info("audit: %s looks at the built-in service %s", admin.name, service)
    return await tell_upload(deps, taken, camera)


def _answers(folders: dict[str, FilePath], installed: dict[str, str]) -> list[BuiltInAnswer]:
    abouts = [read_manifest(folder).service for folder in folders.values()]
    return [
        BuiltInAnswer(
            **about.model_dump(include={"name", "version", "title", "summary"}), installed=installed.get(about.name)
        )
        for about in abouts
    ]
