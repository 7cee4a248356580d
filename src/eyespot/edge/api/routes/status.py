"""How the host, its processes, its disks and its cameras are."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from eyespot import __version__
from eyespot.contracts.status import StatusMessage
from eyespot.edge.api.camera_view import camera_answer
from eyespot.edge.api.deps import Caller, Deps, Needs
from eyespot.edge.api.notes import host_notes
from eyespot.edge.api.shapes import ProcessAnswer, StatusAnswer, StorageAnswer
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.log import mask_credentials

router = APIRouter(tags=["status"])


@router.get("/status", operation_id="getStatus")
async def get_status(caller: Caller, deps: Needs) -> StatusAnswer:
    """The whole host at a glance; a viewer of some cameras sees only those."""
    totals = await deps.footage.totals()
    config = deps.settings.config
    cameras = {
        camera.id: camera_answer(camera, deps.feeds, totals) for camera in config.camera if caller.may_see(camera.id)
    }
    processes = [_process(deps, role) for role in sorted(deps.feeds.reports())] if caller.cameras is None else []
    roots = await asyncio.to_thread(_roots, deps) if caller.cameras is None else []
    return StatusAnswer(
        host=config.host.name,
        version=__version__,
        uptime_s=(deps.clock.monotonic_ns() - deps.started_ns) / NS_PER_S,
        processes=processes,
        storage=StorageAnswer(roots=roots),
        cameras=cameras,
        doctor=host_notes(processes, roots, cameras.values()),
    )


def _process(deps: Deps, role: str) -> ProcessAnswer:
    report = deps.feeds.reports()[role]
    shown = StatusMessage.model_validate_json(mask_credentials(report.model_dump_json()))
    return ProcessAnswer(**shown.model_dump(), fresh=deps.feeds.is_fresh(report))


def _roots(deps: Deps) -> list[dict[str, Any]]:
    config = deps.settings.started  # the disks that are in use, whatever the file says by now
    return [
        _root(path, root.tier, root.min_free_bytes)
        for path, root in zip(deps.layout.roots(config), config.storage.root, strict=True)
    ]


def _root(path: Path, tier: str, floor_bytes: int) -> dict[str, Any]:
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        return {"path": str(path), "tier": tier, "ok": False, "error": error.strerror or "unreadable"}
    return {
        "path": str(path),
        "tier": tier,
        "ok": True,
        "total_bytes": usage.total,
        "used_bytes": usage.used,
        "free_bytes": usage.free,
        "min_free_bytes": floor_bytes,
    }
