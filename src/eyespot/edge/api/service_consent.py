"""What a consent must name before it is written: a camera that there is, where the service needs one."""

from eyespot.contracts.service import Manifest
from eyespot.edge.api.deps import Deps
from eyespot.edge.services.asked import needs_camera
from eyespot.kernel.errors import invalid


def check_camera(deps: Deps, manifest: Manifest, camera: str) -> None:
    """Raises ``INVALID`` where ``camera`` is none of the host's, or none was chosen and the service asks for one."""
    if camera:
        check_known(deps, camera)
    if needs_camera(manifest) and not camera:
        raise invalid("It asks for a camera, and none was chosen.", "Choose the camera that it is for.")


def check_known(deps: Deps, camera: str) -> None:
    """Raises ``INVALID`` where the host has no such camera."""
    if deps.settings.config.camera_named(camera) is None:
        raise invalid(f"There is no camera '{camera}'.", "Choose one of the host's.")
