"""Giving a service more of what it asks for, or taking some of it back, by name. Pure."""

from collections.abc import Mapping
from typing import Any

from eyespot.contracts.service import Manifest
from eyespot.edge.services.granted import PERMISSIONS, Granted, Permission, check_granted, everything
from eyespot.kernel.config import validate
from eyespot.kernel.errors import invalid

Named = Mapping[Permission, tuple[str, ...]]
"""Entries by the permission that they are of."""


def with_more(manifest: Manifest, granted: Granted, named: Named, *, camera: str = "") -> Granted:
    """``granted`` and ``named``, in the manifest's order; raises ``INVALID`` for what it does not ask for.

    Args:
        camera: stands for ``*`` from now on; empty: as before.
    """
    wanted = {key: set(getattr(granted, key)) | set(named.get(key, ())) for key in PERMISSIONS}
    check_granted(manifest, granted.model_copy(update={key: tuple(values) for key, values in wanted.items()}))
    return _changed(manifest, granted, wanted, camera or granted.camera)


def with_less(manifest: Manifest, granted: Granted, named: Named) -> Granted:
    """``granted`` without ``named``; raises ``INVALID`` for what was not granted, which may be a slip of the pen."""
    for key in PERMISSIONS:
        unknown = set(named.get(key, ())) - set(getattr(granted, key))
        if unknown:
            now = ", ".join(getattr(granted, key)) or "nothing"
            raise invalid(f"'{min(unknown)}' in {key} is not granted.", f"Granted in {key}: {now}.")
    kept = {key: set(getattr(granted, key)) - set(named.get(key, ())) for key in PERMISSIONS}
    return _changed(manifest, granted, kept, granted.camera)


def with_nothing(manifest: Manifest, granted: Granted) -> Granted:
    """``granted`` without anything that it permits."""
    return with_less(manifest, granted, {key: getattr(granted, key) for key in PERMISSIONS})


def _changed(manifest: Manifest, before: Granted, wanted: Mapping[Permission, set[str]], camera: str) -> Granted:
    """``before`` with what is ``wanted``, in the manifest's order; all else of it stays."""
    asked = everything(manifest, camera)
    values: dict[str, Any] = {
        key: tuple(one for one in getattr(asked, key) if one in wanted[key]) for key in PERMISSIONS
    }
    return validate(Granted, {**before.model_dump(), "camera": camera, **values}, "grants")
