"""Installed services, for admins: what they can see, use and send, how they are, their settings and controls."""

import json
import logging
from typing import Annotated

from fastapi import APIRouter, Path, Response

from eyespot.bus import subjects
from eyespot.contracts.settings_schema import with_defaults
from eyespot.contracts.view_sample import ViewSample
from eyespot.edge.api.deps import Admin, Deps, Needs
from eyespot.edge.api.principal import Principal
from eyespot.edge.api.routes.cameras import JPEG
from eyespot.edge.api.service_consent import check_camera
from eyespot.edge.api.service_requests import ask_service
from eyespot.edge.api.service_shapes import (
    ControlAnswer,
    ControlRequest,
    GrantRequest,
    LiveState,
    ServiceAnswer,
    ServiceEnabled,
    ServiceLog,
    ServicesAnswer,
    ServiceSettings,
    ServiceSettingsChange,
)
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.secret_settings import masked, unmasked
from eyespot.kernel.errors import EyespotError, Kind

log = logging.getLogger(__name__)
router = APIRouter(prefix="/services", tags=["services"])

ServicePath = Annotated[str, Path(min_length=1, max_length=32, examples=["people-counter"])]
VerbPath = Annotated[str, Path(min_length=1, max_length=32, examples=["reset"])]
ViewPath = Annotated[str, Path(min_length=1, max_length=64, examples=["door"])]


@router.get("", operation_id="listServices")
async def list_services(_admin: Admin, deps: Needs) -> ServicesAnswer:
    """All installed services and their states."""
    return ServicesAnswer(services=await deps.services.briefs())


@router.get("/{service}", operation_id="getService")
async def get_service(service: ServicePath, _admin: Admin, deps: Needs) -> ServiceAnswer:
    """One service: what it can see, use and send in plain words, and how it is."""
    return await deps.services.one(service)


@router.put("/{service}/enabled", operation_id="enableService")
async def enable_service(service: ServicePath, body: ServiceEnabled, admin: Admin, deps: Needs) -> ServiceAnswer:
    """Start a service, also one that failed or runs, or stop it; the host notices within seconds."""
    await deps.services.of(service, lambda installed: installed.enable(service, enabled=body.enabled))
    log.info("audit: %s %s service %s", admin.name, "started" if body.enabled else "stopped", service)
    return await deps.services.one(service)


@router.put("/{service}/granted", operation_id="grantService")
async def grant_service(service: ServicePath, body: GrantRequest, admin: Admin, deps: Needs) -> ServiceAnswer:
    """Grant it exactly this, never more than it asks for; it is started anew with that, and its views end at once."""
    manifest = await deps.services.of(
        service, lambda installed: deps.services.manifest(installed, installed.store.get(service))
    )
    check_camera(deps, manifest, body.granted.camera)
    await deps.services.of(service, lambda installed: installed.grant(service, body.granted))
    log.info("audit: %s changed what service %s may do", admin.name, service)
    return await deps.services.one(service)


@router.post("/{service}/rollback", operation_id="rollBackService")
async def roll_back_service(service: ServicePath, admin: Admin, deps: Needs) -> ServiceAnswer:
    """Go back to the version before; once more, and the newer one is back."""
    row = await deps.services.of(service, lambda installed: installed.go_back(service))
    log.info("audit: %s put service %s back to %s", admin.name, service, row.version)
    return await deps.services.one(service)


@router.delete("/{service}", operation_id="removeService", status_code=204)
async def remove_service(service: ServicePath, admin: Admin, deps: Needs) -> None:
    """Remove a service, its settings and its storage."""
    await deps.services.of(service, lambda installed: installed.remove(service))
    deps.services.states.forget(service)
    log.info("audit: %s removed service %s", admin.name, service)


@router.get("/{service}/settings", operation_id="getServiceSettings")
async def get_settings(service: ServicePath, _admin: Admin, deps: Needs) -> ServiceSettings:
    """Its settings, and their JSON Schema from its manifest."""
    return await deps.services.of(service, lambda installed: _settings(deps, installed, service))


@router.put("/{service}/settings", operation_id="putServiceSettings")
async def put_settings(service: ServicePath, body: ServiceSettingsChange, admin: Admin, deps: Needs) -> ServiceSettings:
    """Replace its settings; they are checked by its schema, and it is told at once, without a restart."""

    def change(installed: Installed) -> ServiceSettings:
        row = installed.store.get(service)
        schema = deps.services.manifest(installed, row).config
        installed.configure(service, unmasked(schema, body.settings, row.settings))
        return _settings(deps, installed, service)

    answer = await deps.services.of(service, change)
    log.info("audit: %s changed the settings of service %s", admin.name, service)
    return answer


@router.get("/{service}/logs", operation_id="getServiceLogs")
async def get_logs(service: ServicePath, _admin: Admin, deps: Needs) -> ServiceLog:
    """The newest lines of its output."""
    await deps.services.of(service, lambda installed: installed.store.get(service))
    answer = await deps.bus.request(subjects.control("services"), json.dumps({"logs": service}).encode(), 5.0)
    return ServiceLog(lines=[str(line) for line in json.loads(answer)["lines"]])


@router.get("/{service}/state", operation_id="getServiceState")
async def get_state(service: ServicePath, _admin: Admin, deps: Needs) -> LiveState:
    """Its latest live state; 404 while it has said none."""
    await deps.services.of(service, lambda installed: installed.store.get(service))
    state = deps.services.states.latest(service)
    if state is None:
        raise EyespotError(Kind.NOT_FOUND, f"{service} has said no live state yet.", "Not every service has one.")
    return LiveState(wall_ns=state.wall_ns, values=state.values)


@router.post("/{service}/requests/{verb}", operation_id="requestOfService")
async def send_request(
    service: ServicePath, verb: VerbPath, body: ControlRequest, admin: Admin, deps: Needs
) -> ControlAnswer:
    """Send the request of one of its controls; what is sent along is checked by the control's schema."""
    manifest = await deps.services.of(
        service, lambda installed: deps.services.manifest(installed, installed.store.get(service))
    )
    answer = await ask_service(deps.bus, manifest, verb, body.input)
    log.info("audit: %s sent request %s to service %s", admin.name, verb, service)
    return ControlAnswer(answer=answer)


@router.get("/{service}/views/{view}/sample", operation_id="getViewSample")
async def get_sample(service: ServicePath, view: ViewPath, admin: Admin, deps: Needs) -> ViewSample:
    """One frame of a view as the service gets it, cut now by the frames process: objects, and the pixels as JPEG."""
    return await _sample(deps, admin, service, view)


@router.get(
    "/{service}/views/{view}/sample.jpg", operation_id="getViewSamplePicture", response_class=Response, responses=JPEG
)
async def get_sample_picture(service: ServicePath, view: ViewPath, admin: Admin, deps: Needs) -> Response:
    """The pixels of one frame of a view as the service gets it; 409 for the forms that have none."""
    sample = await _sample(deps, admin, service, view)
    if not sample.jpeg:
        raise EyespotError(
            Kind.CONFLICT,
            f"The view '{view}' has no pixels: its form is {sample.view.form}.",
            "Ask for the sample as JSON.",
        )
    return Response(sample.jpeg, media_type="image/jpeg")


async def _sample(deps: Deps, admin: Principal, service: str, view: str) -> ViewSample:
    named = await deps.services.view(service, view)
    admin.need_camera(named.camera)
    return await deps.samples.take(named)


def _settings(deps: Deps, installed: Installed, name: str) -> ServiceSettings:
    row = installed.store.get(name)
    schema = deps.services.manifest(installed, row).config
    own = row.settings or {}
    in_force = with_defaults(schema, own)
    return ServiceSettings(settings=masked(schema, own), in_force=masked(schema, in_force), config_schema=schema)
