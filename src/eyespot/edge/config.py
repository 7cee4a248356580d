"""The configuration of one camera host: the root of the TOML document that `eyespot camera run` reads.

Owns the document's shape and its cross checks. Each room's own settings live in that room and are composed here.
Reading, writing and masking the file is `config_file.py`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from eyespot.contracts.lens import MAX_MASKS, View
from eyespot.edge.config_parts import (
    DetectSettings,
    LensSettings,
    LineSettings,
    MaskSettings,
    OrientationSettings,
    ServicesSettings,
    StorageSettings,
    StreamSettings,
    ZoneSettings,
)
from eyespot.edge.imaging.settings import ImagingSettings
from eyespot.edge.outputs.settings import MAX_OUTPUTS, HostOutput, check_outputs
from eyespot.hal.sensors.chooser import is_device
from eyespot.hal.sensors.settings import CodecName
from eyespot.kernel.config import Settings
from eyespot.kernel.ids import is_slug
from eyespot.record.settings import RecordSettings, RetentionSettings

MAX_CAMERAS = 256

Name = Annotated[str, Field(min_length=1, max_length=64)]
StreamChoice = Annotated[str, Field(json_schema_extra={"format": "stream"})]
"""One of the camera's streams by name: forms let people choose."""


class HostSettings(Settings):
    """The machine this runs on."""

    name: Name = "eyespot"
    """What people call this host."""


class WebSettings(Settings):
    """Where the web app and the HTTP API are served."""

    bind: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    """Address to listen on; 127.0.0.1 is this machine alone, 0.0.0.0 is everyone who can reach it."""
    port: int = Field(default=8450, ge=0, le=65535)
    """TCP port; 0 takes any free one."""
    tls: Literal["auto", "off", "files"] = "auto"
    """auto: a self-made certificate unless bound to loopback; off: plain HTTP; files: `cert` and `key` below."""
    cert: Path | None = None
    """Certificate chain in PEM form, for tls = "files"."""
    key: Path | None = None
    """Private key in PEM form, for tls = "files"."""

    @model_validator(mode="after")
    def _files_named(self) -> "WebSettings":
        if self.tls == "files" and (self.cert is None or self.key is None):
            raise ValueError('tls = "files" needs both cert and key')
        return self


class VisionSettings(Settings):
    """What all cameras of this host share in seeing."""

    lanes: int = Field(default=1, ge=1, le=16)
    """Inference lanes working side by side."""
    threads: int = Field(default=1, ge=1, le=64)
    """Threads inside one lane."""
    accelerator: str = Field(default="", max_length=64)
    """Accelerator to use, empty: the best that works for the model."""
    variant: str = Field(default="", max_length=64)
    """Variant of the model package, empty: the best that fits the accelerator."""
    models: Path | None = None
    """Folder of model packages, empty: the shared cache that `eyespot models build` fills."""
    decoder: CodecName = "auto"
    """auto: a hardware decoder that passes a trial, else software; software; or libav's name, such as h264_v4l2m2m."""
    inference: Literal["lanes", "process"] = "lanes"
    """lanes: models run inside vision, which costs least; process: in one of their own, so no driver can end vision."""


class InferenceSettings(Settings):
    """Inference for other programs on this machine, by the Open Inference Protocol; they need a token."""

    rest_port: int = Field(default=0, ge=0, le=65535)
    """TCP port on 127.0.0.1 for REST, 0: closed."""
    grpc_port: int = Field(default=0, ge=0, le=65535)
    """TCP port on 127.0.0.1 for gRPC, 0: closed."""
    guest_share: float = Field(default=0.25, ge=0.01, le=0.9)
    """Part of the inference process's time that is guaranteed to all guests together; the cameras have the rest."""
    services_share: float = Field(default=0.25, ge=0.01, le=0.9)
    """Part of an accelerator's time that all services of the host may be granted together."""
    services_priority: int | None = Field(default=None, ge=-100, le=100)
    """Services' models in the host's plan of rates, as detect.priority of cameras; empty: below every camera."""

    @model_validator(mode="after")
    def _ports_differ(self) -> "InferenceSettings":
        if self.rest_port and self.rest_port == self.grpc_port:
            raise ValueError("rest_port and grpc_port must differ")
        if self.guest_share + self.services_share > 0.95:
            raise ValueError("guest_share and services_share must leave the cameras 0.05 at least")
        return self


class CameraSettings(Settings):
    """One camera: a view of the world, delivered as one or more streams."""

    id: str
    """Short name used in paths, addresses and subjects: a-z, 0-9, - and _. Changing it starts a new camera."""
    name: str = Field(default="", max_length=100)
    """What people call it; empty: the id."""
    enabled: bool = True
    """Off: nothing is read from it, what was recorded stays."""
    stream: tuple[StreamSettings, ...] = Field(min_length=1, max_length=8)
    """Its streams; the first is the main one."""
    record_stream: StreamChoice = ""
    """Stream to record, empty: the first."""
    detect_stream: StreamChoice = ""
    """Stream to see with, empty: the last (usually the smallest)."""
    live_stream: StreamChoice = ""
    """Stream to show live, empty: the first."""
    record: RecordSettings = RecordSettings()
    """What is recorded, and when."""
    detect: DetectSettings = DetectSettings()
    """What is looked for."""
    imaging: ImagingSettings = ImagingSettings()
    """How a local camera (/dev/video*, libcamera:) takes its pictures; other cameras keep such settings themselves."""
    orientation: OrientationSettings = OrientationSettings()
    """How its pictures are made upright."""
    lens: LensSettings = LensSettings()
    """What its lens does to the picture."""
    mask: tuple[MaskSettings, ...] = Field(default=(), max_length=MAX_MASKS)
    """Parts of the picture that nobody may see. Costs decoding and encoding of every stream."""
    zone: tuple[ZoneSettings, ...] = Field(default=(), max_length=64)
    """Areas of the picture that matter."""
    line: tuple[LineSettings, ...] = Field(default=(), max_length=64)
    """Tripwires."""

    @property
    def title(self) -> str:
        """The name people see."""
        return self.name or self.id

    def stream_named(self, name: str) -> StreamSettings:
        """The stream called ``name``; raises ``KeyError``."""
        for stream in self.stream:
            if stream.name == name:
                return stream
        raise KeyError(name)

    @property
    def recorded(self) -> str:
        """Name of the stream that is recorded."""
        return self.record_stream or self.stream[0].name

    @property
    def seen(self) -> str:
        """Name of the stream that vision decodes."""
        return self.detect_stream or self.stream[-1].name

    @property
    def shown(self) -> str:
        """Name of the stream that live view plays."""
        return self.live_stream or self.stream[0].name

    @property
    def asked_outputs(self) -> list[str]:
        """Names of the outputs that its zones and lines pulse."""
        zones = [name for zone in self.zone for name in zone.outputs]
        return [*zones, *(name for line in self.line for name in line.outputs)]

    @property
    def view(self) -> View:
        """How its pictures relate to the world, and what is hidden in them."""
        return View(self.orientation.orientation, self.lens.geometry, tuple(mask.points for mask in self.mask))

    @model_validator(mode="after")
    def _consistent(self) -> "CameraSettings":
        if not is_slug(self.id):
            raise ValueError(
                f"camera id '{self.id[:80]}' may hold a-z, 0-9, - and _ only, and ends with a letter or digit"
            )
        if self.id == "host":
            raise ValueError("camera id 'host' stands for the machine itself; choose another")
        names = [stream.name for stream in self.stream]
        _unique(names, f"streams of camera '{self.id}'")
        for key in ("record_stream", "detect_stream", "live_stream"):
            wanted = getattr(self, key)
            if wanted and wanted not in names:
                raise ValueError(
                    f"camera '{self.id}': {key} = '{wanted[:80]}' is not one of its streams ({', '.join(names)})"
                )
        controls = self.imaging.values()
        if controls and not any(is_device(stream.source) for stream in self.stream):
            raise ValueError(
                f"camera '{self.id}': imaging.{next(iter(controls))} cannot be set, because none of its streams is a "
                "local device (/dev/video*, libcamera:): set it in the camera itself"
            )
        areas = [zone.name for zone in self.zone] + [line.name for line in self.line]
        _unique(areas, f"zones and lines of camera '{self.id}'")
        _unique([mask.name for mask in self.mask], f"masks of camera '{self.id}'")
        return self


class CameraHostConfig(Settings):
    """Everything a person can set on one camera host."""

    host: HostSettings = HostSettings()
    """The machine."""
    web: WebSettings = WebSettings()
    """Web app and API. Changes take effect after a restart."""
    storage: StorageSettings = StorageSettings()
    """Disks for footage. Changes take effect after a restart."""
    retention: RetentionSettings = RetentionSettings()
    """How long footage and events are kept."""
    vision: VisionSettings = VisionSettings()
    """Shared by all cameras. Changes take effect after a restart."""
    inference: InferenceSettings = InferenceSettings()
    """The door for other programs. Changes take effect after a restart."""
    services: ServicesSettings = ServicesSettings()
    """What is published to this camera by others."""
    output: tuple[HostOutput, ...] = Field(default=(), max_length=MAX_OUTPUTS)
    """Relays and lamps that this host switches."""
    camera: tuple[CameraSettings, ...] = Field(default=(), max_length=MAX_CAMERAS)
    """The cameras."""

    def camera_named(self, camera_id: str) -> CameraSettings | None:
        """The camera with that id, or None."""
        return next((camera for camera in self.camera if camera.id == camera_id), None)

    @property
    def enabled_cameras(self) -> tuple[CameraSettings, ...]:
        """The cameras that are switched on."""
        return tuple(camera for camera in self.camera if camera.enabled)

    @model_validator(mode="after")
    def _consistent(self) -> "CameraHostConfig":
        _unique([camera.id for camera in self.camera], "cameras")
        _unique([str(root.path) for root in self.storage.root], "storage roots")
        check_outputs(self.output)
        known = {output.name for output in self.output}
        for camera in self.camera:
            for name in camera.asked_outputs:
                if name not in known:
                    raise ValueError(f"camera '{camera.id}': there is no output '{name}', add it as [[output]]")
        return self


def _unique(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two {what} are called '{name[:80]}'")
        seen.add(name)
