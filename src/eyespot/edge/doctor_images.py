"""Installed services that are images, as the doctor looks at them."""

from pathlib import Path

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.oci.pin import read_service
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.errors import EyespotError


def image_services(layout: StateLayout) -> dict[str, Path]:
    """Name → kept archive of every enabled service that is an image; those that cannot be read are left out."""
    if not layout.services_db.exists():
        return {}
    found: dict[str, Path] = {}
    try:
        store = ServiceStore(layout.services_db)
    except EyespotError:
        return {}  # the host says so itself, and does not start them
    try:
        for row in store.rows():
            try:
                _, pin = read_service(layout.services_dir / row.folder)
            except (EyespotError, OSError):
                continue  # likewise, in the service's state
            if row.enabled and pin is not None:
                found[row.name] = layout.service_images_dir / pin.archive_name
    finally:
        store.close()
    return found
