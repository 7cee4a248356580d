"""Changing the config file: one at a time, written before it is said, said to every process."""

import asyncio
from collections.abc import Callable
from typing import Any

from eyespot.bus import subjects
from eyespot.edge.api.deps import Deps
from eyespot.edge.config_file import ConfigDocument, read_document, write_document


async def change_config(deps: Deps, edit: Callable[[dict[str, Any]], None]) -> ConfigDocument:
    """Let ``edit`` change the document as it stands; raises what ``edit`` raises, and ``INVALID`` for a bad result."""
    async with deps.config_lock:
        now = await asyncio.to_thread(read_document, deps.settings.path)
        edit(now.document)
        return await _write(deps, now.document, now.etag)


async def replace_config(deps: Deps, document: dict[str, Any], etag: str) -> ConfigDocument:
    """Replace the whole document; raises ``CONFLICT`` when the file is no longer what ``etag`` names, ``INVALID``."""
    async with deps.config_lock:
        return await _write(deps, document, etag)


async def _write(deps: Deps, document: dict[str, Any], etag: str) -> ConfigDocument:
    written = await asyncio.to_thread(write_document, deps.settings.path, document, etag)
    deps.settings.reload()
    await deps.bus.publish(subjects.config_changed(), b"")
    return written
