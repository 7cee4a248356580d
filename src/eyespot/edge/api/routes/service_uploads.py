"""Installing a service in two steps, for admins: a package is sent and says what it asks for; consent installs it."""

import logging
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.requests import ClientDisconnect

from eyespot.contracts.view_sample import ViewSample
from eyespot.edge.api.deps import Admin, Deps, Needs
from eyespot.edge.api.gate import MAX_UPLOAD_BYTES
from eyespot.edge.api.routes.services import ViewPath
from eyespot.edge.api.service_consent import check_camera, check_known
from eyespot.edge.api.service_shapes import GrantRequest, ServiceAnswer, UploadAnswer
from eyespot.edge.api.service_uploads import Upload
from eyespot.edge.api.services_now import view_answer, wish_answers
from eyespot.edge.services.asked import needs_camera
from eyespot.edge.services.granted import Granted, check_policy, definite_views, everything, in_words
from eyespot.edge.services.installed import Installed
from eyespot.kernel.errors import EyespotError, invalid, not_found

log = logging.getLogger(__name__)
router = APIRouter(prefix="/service-uploads", tags=["services"])

UploadPath = Annotated[str, Path(min_length=1, max_length=64, examples=["0123456789abcdef01234567"])]
CameraQuery = Annotated[str, Query(max_length=64, examples=["front"])]
_PACKAGE = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


@router.post(
    "", operation_id="uploadService", status_code=201, openapi_extra={"requestBody": _PACKAGE},
    max_body_size=MAX_UPLOAD_BYTES,
)  # fmt: skip
async def upload(request: Request, admin: Admin, deps: Needs, camera: CameraQuery = "") -> UploadAnswer:
    """Send a package as the body: an `.eyespot-app` file or an OCI image archive.

    Nothing is installed: the answer says what it asks for.
    """
    try:
        taken = await deps.uploads.take(request.stream())
    except ClientDisconnect as error:
        raise invalid("The package did not come whole.", "Send it again.") from error
    log.info("audit: %s sent a package of service %s", admin.name, taken.manifest.service.name)
    return await tell_upload(deps, taken, camera)


@router.get("/{upload}", operation_id="getServiceUpload")
async def get_upload(upload: UploadPath, _admin: Admin, deps: Needs, camera: CameraQuery = "") -> UploadAnswer:
    """What a package that waits asks for, with `camera` for the one that its owner chooses."""
    return await tell_upload(deps, deps.uploads.get(upload), camera)


@router.delete("/{upload}", operation_id="dropServiceUpload", status_code=204)
async def drop_upload(upload: UploadPath, _admin: Admin, deps: Needs) -> None:
    """Throw the package away."""
    await deps.uploads.drop(upload)


@router.get("/{upload}/views/{view}/sample", operation_id="getUploadSample")
async def get_upload_sample(
    upload: UploadPath, view: ViewPath, admin: Admin, deps: Needs, camera: CameraQuery = ""
) -> ViewSample:
    """One frame of a view as the service would get it, cut now; nothing is handed to the service."""
    manifest = deps.uploads.get(upload).manifest
    chosen = await _camera(deps, deps.uploads.get(upload), camera)
    for named in definite_views(manifest, everything(manifest, chosen)):
        if named.name == view:
            admin.need_camera(named.camera)
            return await deps.samples.take(named)
    raise not_found(f"The package asks for no view '{view}'.", "Its answer lists them.")


@router.post("/{upload}/install", operation_id="installService", status_code=201)
async def install(upload: UploadPath, body: GrantRequest, admin: Admin, deps: Needs) -> ServiceAnswer:
    """Install the package with what is granted, which may be less than it asks for; the host starts it in seconds."""
    taken = deps.uploads.get(upload)
    camera = body.granted.camera
    check_camera(deps, taken.manifest, camera)
    forbidden = deps.settings.config.services.forbid

    def take(installed: Installed) -> str:
        return installed.install(taken.path, camera, granted=body.granted, forbidden=forbidden).name

    name = await deps.services.run(take)
    log.info("audit: %s installed service %s %s", admin.name, name, taken.manifest.service.version)
    await deps.uploads.drop(upload)
    return await deps.services.one(name)


async def tell_upload(deps: Deps, taken: Upload, camera: str) -> UploadAnswer:
    """What ``taken`` asks for, with ``camera`` for the one that its owner chooses."""
    manifest = taken.manifest
    chosen = await _camera(deps, taken, camera)
    old, would = await deps.services.run(lambda installed: _before(installed, taken, chosen))
    asked = everything(manifest, chosen)
    about = manifest.service
    return UploadAnswer(
        id=taken.id, sha256=taken.sha256, expires_ns=taken.until_wall_ns, name=about.name, version=about.version,
        title=about.title, summary=about.summary, vendor=about.vendor, host=about.host,
        policy=list(manifest.permissions.policy), forbidden=_forbidden(deps, taken), installed=old,
        needs_camera=needs_camera(manifest), camera=chosen,
        wishes=wish_answers(manifest, chosen, would),
        use=in_words(manifest, Granted(camera=chosen, host=would.host))["use"], granted=would,
        views=[view_answer(view) for view in definite_views(manifest, asked)],
        config_schema=manifest.config,
    )  # fmt: skip


def _before(installed: Installed, taken: Upload, camera: str) -> tuple[str | None, Granted]:
    """The version that is installed, and what a version after it is granted by itself."""
    rows = [row for row in installed.store.rows() if row.name == taken.manifest.service.name]
    return rows[0].version if rows else None, installed.would_grant(taken.manifest, camera)


async def _camera(deps: Deps, taken: Upload, camera: str) -> str:
    """The camera that was asked for, else the one of the version before, else the first of the host."""
    if camera:
        check_known(deps, camera)
        return camera
    rows = await deps.services.run(lambda installed: installed.store.rows())
    before = [row.granted.camera for row in rows if row.name == taken.manifest.service.name]
    return next((one for one in [*before, *(each.id for each in deps.settings.config.camera)] if one), "")


def _forbidden(deps: Deps, taken: Upload) -> str:
    try:
        check_policy(taken.manifest, deps.settings.config.services.forbid)
    except EyespotError as error:
        return str(error)
    return ""
