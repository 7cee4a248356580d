"""What a person should look at now, from what the processes, the disks and the cameras say. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from eyespot.edge.api.shapes import CameraAnswer, DoctorNote, ProcessAnswer

_MAX_NOTES = 50


def host_notes(
    processes: Iterable[ProcessAnswer], roots: Iterable[dict[str, Any]], cameras: Iterable[CameraAnswer]
) -> list[DoctorNote]:
    """The notes, the gravest first; at most 50."""
    notes = [*_disks(roots), *(note for process in processes for note in _process(process)), *_cameras(cameras)]
    return notes[:_MAX_NOTES]


def _disks(roots: Iterable[dict[str, Any]]) -> Iterator[DoctorNote]:
    for root in roots:
        if not root["ok"]:
            yield DoctorNote(what=f"{root['path']}: {root['error']}.", todo="Mount the disk or change [storage].")
        elif root["free_bytes"] < root["min_free_bytes"] // 2:
            yield DoctorNote(what=f"{root['path']} is nearly full.", todo="Free space on that disk.")


def _process(process: ProcessAnswer) -> Iterator[DoctorNote]:
    if not process.fresh:
        yield DoctorNote(what=f"Process {process.role} has not reported for half a minute.", todo="See its log.")
        return
    storage, errors = process.totals.get("storage"), process.totals.get("errors")
    trouble = storage.get("trouble") if isinstance(storage, dict) else None
    if trouble:
        yield DoctorNote(what=f"Storage: {trouble}", todo="Recording goes on where it can; see the disk.")
    for name, text in errors.items() if isinstance(errors, dict) else ():
        yield DoctorNote(what=f"{process.role}, {name}: {text}", todo="Run eyespot doctor on the host.")
    yield from _lowered(process.totals.get("plan"))
    yield from _services_lowered(process.totals.get("plan"))
    for camera, said in process.cameras.items():
        if process.role == "vision" and said.get("error"):
            yield DoctorNote(what=f"Camera {camera} is not looked at: {said['error']}", todo="See its detect settings.")
        if process.role == "media":
            yield from _imaging(camera, said.get("imaging"))


def _imaging(camera: str, said: Any) -> Iterator[DoctorNote]:
    """What local devices refused of the camera's imaging settings."""
    for device, made in said.items() if isinstance(said, dict) else ():
        refused = made.get("refused") if isinstance(made, dict) else None
        for name, why in refused.items() if isinstance(refused, dict) else ():
            yield DoctorNote(
                what=f"Camera {camera}: {name} of {device} is not as configured: {why}",
                todo="Change or remove it under [camera.imaging]; `eyespot imaging` shows what the device takes.",
            )


def _lowered(plan: Any) -> Iterator[DoctorNote]:
    """Cameras that have to do with less than they ask for."""
    cameras = plan.get("cameras") if isinstance(plan, dict) else None
    for camera, said in cameras.items() if isinstance(cameras, dict) else ():
        if said.get("degraded"):
            yield DoctorNote(
                what=f"Camera {camera} has {said['rate_hz']:g} detections a second instead of {said['wanted_hz']:g}: "
                f"{said['reason']}.",
                todo="Lower rates, give what matters a higher detect.priority, or use a faster model or machine.",
            )


def _services_lowered(plan: Any) -> Iterator[DoctorNote]:
    """Services whose models have to do with less than they were granted."""
    services = plan.get("services") if isinstance(plan, dict) else None
    for service, models in services.items() if isinstance(services, dict) else ():
        for package, said in models.items():
            if said.get("degraded"):
                yield DoctorNote(
                    what=f"Service {service} has {said['rate_hz']:g} runs of {package} a second instead of "
                    f"{said['wanted_hz']:g}: {said['reason']}.",
                    todo="Lower rates of cameras, or raise inference.services_priority where the service matters more.",
                )


def _cameras(cameras: Iterable[CameraAnswer]) -> Iterator[DoctorNote]:
    for camera in cameras:
        if camera.enabled and camera.error:
            yield DoctorNote(what=f"Camera {camera.name}: {camera.error}", todo="")  # the error says what to do
