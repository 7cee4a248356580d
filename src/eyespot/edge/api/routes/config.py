"""The config document and its schema, for admins."""

import asyncio
import logging
from typing import Any

from fastapi import APIRouter

from eyespot.edge.api.config_change import replace_config
from eyespot.edge.api.deps import Admin, Needs
from eyespot.edge.api.shapes import ConfigAnswer, ConfigChange
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.config_file import read_document

log = logging.getLogger(__name__)
router = APIRouter(prefix="/config", tags=["config"])


@router.get("", operation_id="getConfig")
async def get_config(_admin: Admin, deps: Needs) -> ConfigAnswer:
    """The document as it is in the file, secrets in addresses masked."""
    found = await asyncio.to_thread(read_document, deps.settings.path)
    return ConfigAnswer(document=found.document, etag=found.etag, restart=deps.settings.restart())


@router.put("", operation_id="putConfig")
async def put_config(body: ConfigChange, admin: Admin, deps: Needs) -> ConfigAnswer:
    """Replace the document; masked secrets stay what they were. A stale etag is refused.

    Takes effect at once, but for the keys in `restart`.
    """
    written = await replace_config(deps, body.document, body.etag)
    log.info("audit: %s changed the config", admin.name)
    return ConfigAnswer(document=written.document, etag=written.etag, restart=deps.settings.restart())


@router.get("/schema", operation_id="getConfigSchema")
async def get_schema(_admin: Admin) -> dict[str, Any]:
    """JSON Schema of the document."""
    return CameraHostConfig.model_json_schema()
