"""Where everything of one camera host lies on disk: the state folder and what is below it."""

from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.config import CameraHostConfig
from eyespot.kernel.config import cache_dir

HOST = "host"
"""Stands for the host itself where an event or subject names a camera; no camera may be called so."""


@dataclass(frozen=True, slots=True)
class StateLayout:
    """Paths below the state folder (absolute)."""

    state: Path

    @staticmethod
    def of(state: Path) -> "StateLayout":
        """The layout of ``state``, which is made when missing."""
        state = state.absolute()
        state.mkdir(parents=True, exist_ok=True)
        return StateLayout(state)

    @property
    def run_dir(self) -> Path:
        """Sockets, keys and pids of the running host; 0700."""
        return self.state / "run"

    @property
    def packets_socket(self) -> Path:
        return self.run_dir / "packets.sock"

    @property
    def grants_file(self) -> Path:
        """Which service may see what: ``contracts.frames_door.Grants``, written by renaming."""
        return self.run_dir / "grants.json"

    @property
    def services_db(self) -> Path:
        """Which services should run, and how: the one truth."""
        return self.state / "services.db"

    @property
    def services_key(self) -> Path:
        """Seals the secrets among their settings; apart from the store, so that a copy of that tells none."""
        return self.state / "keys" / "services.key"

    @property
    def egress_db(self) -> Path:
        """The newest connections that services made out of this host, and tried to make."""
        return self.state / "egress.db"

    @property
    def services_dir(self) -> Path:
        """Their code: ``<name>/<version>-<digest12>/``; empty when none is installed."""
        return self.state / "services"

    @property
    def service_images_dir(self) -> Path:
        """Archives of the images that services are; what is here may be in podman's storage too."""
        return self.state / "service-images"

    @property
    def incoming_dir(self) -> Path:
        """Packages unpacked to be looked at before they are installed."""
        return self.state / "incoming"

    @property
    def scratch_dir(self) -> Path:
        """Their own storage: ``<name>``."""
        return self.state / "scratch"

    @property
    def service_logs_dir(self) -> Path:
        """What services said: ``<name>.log`` and the file before it."""
        return self.state / "service-logs"

    @property
    def events_db(self) -> Path:
        return self.state / "events.db"

    @property
    def index_db(self) -> Path:
        return self.state / "index.db"

    @property
    def media_dir(self) -> Path:
        """Best frames of events: ``<camera>/<event id>.jpg``."""
        return self.state / "media"

    def roots(self, config: CameraHostConfig) -> list[Path]:
        """Absolute folders of the storage roots, in the config's order."""
        return [self.state / root.path for root in config.storage.root]

    def models(self, config: CameraHostConfig) -> Path:
        """Folder of model packages: the config's, else the state's own when it has one, else the shared cache."""
        if config.vision.models is not None:
            return self.state / config.vision.models
        own = self.state / "models"
        return own if own.is_dir() else cache_dir() / "models"
