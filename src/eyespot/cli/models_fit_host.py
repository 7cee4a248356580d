"""What a host's own config asks of its board: the part of `eyespot models fit` that reads a camera host's cameras."""

from collections.abc import Sequence
from pathlib import Path

from eyespot.edge.config import CameraHostConfig
from eyespot.edge.config_file import load_config
from eyespot.edge.rate_plan import lanes_of
from eyespot.infer.fit.plan import Option, Room, Want
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import choices
from eyespot.kernel.errors import invalid


class HostWants:
    """The cameras of the config at ``path`` as functions; raises as ``load_config``, ``INVALID`` when none detects."""

    def __init__(self, path: Path) -> None:
        self._config: CameraHostConfig = load_config(path)
        self._cameras = [camera for camera in self._config.enabled_cameras if camera.detect.enabled]
        if not self._cameras:
            raise invalid(f"No camera of {path} detects anything.", "Set enabled = true in [camera.detect].")

    @property
    def models(self) -> Path | None:
        """Folder of its model packages, None for the shared cache."""
        return self._config.vision.models

    @property
    def packages(self) -> list[str]:
        """Names of the packages its cameras use."""
        return list(dict.fromkeys(camera.detect.package for camera in self._cameras))

    @property
    def wants(self) -> list[Want]:
        """All cameras at once, as if something moved before each."""
        return [
            Want(camera.id, camera.detect.package, camera.detect.rate_hz, camera.detect.priority)
            for camera in self._cameras
        ]

    def options(self, options: Sequence[Option], packages: Sequence[ModelPackage]) -> list[Option]:
        """Those that the host would run: of each package the one variant and accelerator that it chooses."""
        vision = self._config.vision
        chosen = set()
        for package in packages:
            best = choices(package, variant=vision.variant or None, accelerator=vision.accelerator or None)[0]
            chosen.add((package.name, best.variant.name, best.accelerator.name))
        return [item for item in options if (item.package, item.variant, item.accelerator) in chosen]

    def room(self, board: Room) -> Room:
        """The board's, but no more lanes than the host has, less what its guests are promised."""
        lanes = lanes_of(self._config)
        return Room({name: min(there, lanes) for name, there in board.lanes.items()}, board.memory_bytes)
