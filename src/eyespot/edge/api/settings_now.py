"""The configuration as it stands: read once, read again when somebody says that it changed."""

import logging
from pathlib import Path

from eyespot.edge.api.principal import Principal, no_camera
from eyespot.edge.config import CameraHostConfig, CameraSettings
from eyespot.edge.config_file import load_config
from eyespot.edge.config_restart import waiting_for_restart
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)


class SettingsNow:
    """Keeps the config file's settings; a broken file leaves the last good ones in force."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config: CameraHostConfig = load_config(path)
        self.started = self.config
        """What the process started with; `[web]`, `[storage]` and `[vision]` are in force as they are here."""

    def reload(self) -> None:
        """Read the file again."""
        try:
            self.config = load_config(self.path)
        except EyespotError as error:
            log.warning("the config file is not in force: %s", error)

    def restart(self) -> list[str]:
        """Keys whose new values take effect at the next start."""
        return waiting_for_restart(self.started, self.config)

    def camera(self, camera: str, principal: Principal) -> CameraSettings:
        """The settings of ``camera``; raises ``NOT_FOUND`` when there is none that ``principal`` may see."""
        found = self.config.camera_named(camera)
        if found is None or not principal.may_see(camera):
            raise no_camera(camera)
        return found
