"""What a camera host needs, looked at one by one. Each look is a function that returns findings and never raises."""

import asyncio
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from eyespot.bus.server import find_server
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.config_file import load_config
from eyespot.edge.doctor_images import image_services
from eyespot.edge.doctor_libcamera import libcamera_problems
from eyespot.edge.doctor_trial import try_package, try_runtime
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.engines.contract import Availability
from eyespot.kernel.clock import Clock, SystemClock
from eyespot.kernel.errors import EyespotError

Level = Literal["ok", "hint", "warning", "error"]
_NEEDED = {"av": "decoding", "numpy": "vision", "fastapi": "the web app", "tomlkit": "editing the config"}
_LOW_BYTES = 2 << 30
_PLAUSIBLE_WALL_NS = 1_735_689_600 * 1_000_000_000
"""2025-01-01: a clock before that was never set."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: ``todo`` says what to do, empty when nothing."""

    name: str
    level: Level
    what: str
    todo: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at; ``config`` is None when the file cannot be used or none was named."""

    config_path: Path | None
    config: CameraHostConfig | None
    layout: StateLayout
    clock: Clock


def examine(config_path: Path | None, state: Path, clock: Clock | None = None) -> list[Finding]:
    """Look at everything; the findings in a fixed order."""
    config: CameraHostConfig | None = None
    findings: list[Finding] = []
    path = config_path or next((one for one in (state / "config.toml",) if one.exists()), None)
    if path is not None:
        try:
            config = load_config(path)
            findings.append(Finding("config", "ok", f"{path}: {len(config.camera)} camera(s)."))
        except EyespotError as error:
            findings.append(Finding("config", "error", error.what, error.todo))
    patient = Patient(path, config, StateLayout(state.absolute()), clock or SystemClock())
    for look in _LOOKS:
        findings += look(patient)
    return findings


def _python(_: Patient) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", f"Python {version}.")
    for name, purpose in _NEEDED.items():
        if importlib.util.find_spec(name) is None:
            yield Finding("packages", "error", f"{name} is missing ({purpose}).", "Run: pip install 'eyespot[edge]'.")


def _bus(_: Patient) -> Iterator[Finding]:
    try:
        yield Finding("nats-server", "ok", find_server())
    except EyespotError as error:
        yield Finding("nats-server", "error", error.what, error.todo)


def _encoders(_: Patient) -> Iterator[Finding]:
    if importlib.util.find_spec("av") is None:
        return
    from eyespot.hal.sensors.encode import H264Encoder

    try:
        H264Encoder(64, 48, 5)
        yield Finding("encoder", "ok", "H.264 can be encoded.")
    except (ValueError, OSError) as error:
        todo = "Cameras that do not send H.264 or H.265 cannot be used."
        yield Finding("encoder", "warning", f"No H.264 encoder ({error}).", todo)


def _libcamera(patient: Patient) -> Iterator[Finding]:
    for problem in libcamera_problems(patient.config) if patient.config else ():
        if problem is None:
            yield Finding("libcamera", "ok", "libcamera finds the camera.")
        else:
            yield Finding("libcamera", "error", *problem)


def _accelerators(patient: Patient) -> Iterator[Finding]:
    """The first runtime that loads is enough; where the config names one, it must be that one."""
    from eyespot.hal.accelerators.chooser import known

    wish = patient.config.vision.accelerator if patient.config else ""
    names = [one.name for one in known() if one.available() and wish in ("", one.name)]
    failures: list[Finding] = []
    for name in names:
        try:
            try_runtime(name)
        except EyespotError as error:
            todo = error.todo or "Install the runtime again: pip install --force-reinstall."
            failures.append(Finding("accelerators", "warning", f"{name}: {error.what}", todo))
            continue
        others = ", ".join(names[len(failures) + 1 :])
        yield Finding("accelerators", "ok", f"{name} loads." + (f" Not tried: {others}." if others else ""))
        break
    else:
        what = f"{wish or 'No inference runtime'} {'cannot be used' if wish else 'works'} here."
        todo = "`eyespot board` says what is here." if wish else "Run: pip install openvino onnxruntime."
        yield Finding("accelerators", "error", what, todo)
    yield from failures


def _models(patient: Patient) -> Iterator[Finding]:
    """Each package that a camera wants is opened as the vision process would, and run once."""
    config = patient.config or CameraHostConfig()
    folder = patient.layout.models(config)
    wanted = {camera.detect.package for camera in config.enabled_cameras if camera.detect.enabled} or {"nanodet-g"}
    for name in sorted(wanted):
        try:
            reason = try_package(folder / name, config.vision.variant, config.vision.accelerator)
            yield Finding("models", "ok", f"{name} in {folder}: {reason}.")
        except EyespotError as error:
            yield Finding("models", "error", f"{name}: {error.what}", error.todo or "Run: eyespot models build.")


def _hosts(patient: Patient) -> Iterator[Finding]:
    """Each engine that confines services starts a program that ends at once; images need theirs, and their archive."""
    from eyespot.edge.services.engines.chooser import known

    async def answers() -> list[tuple[str, Availability]]:
        return [(engine.name, await engine.available()) for engine in known(patient.clock, patient.layout.state)]

    images = image_services(patient.layout)
    for service, archive in images.items():
        if not archive.is_file():
            yield Finding("services", "error", f"The archive of the image of {service} is gone.", "Install it again.")
    for name, answer in asyncio.run(answers()):
        if answer.works:
            yield Finding("services", "ok", f"{name}: {answer.what}")
        elif name == "container" and images:
            what = f"{name}: {answer.what} Without it these images do not run: {', '.join(images)}."
            yield Finding("services", "error", what, answer.todo)
        else:
            yield Finding("services", "hint", f"{name}: {answer.what}", answer.todo)


def _disks(patient: Patient) -> Iterator[Finding]:
    config = patient.config or CameraHostConfig()
    for path, root in zip(patient.layout.roots(config), config.storage.root, strict=True):
        there = next((one for one in (path, *path.parents) if one.exists()), Path("/"))
        if not os.access(there, os.W_OK):
            yield Finding(
                "storage", "error", f"{there} cannot be written.", "Change its owner, or name another folder."
            )
            continue
        free = shutil.disk_usage(there).free
        text = f"{path}: {free / 1e9:.1f} GB free."
        if free < root.min_free_bytes + _LOW_BYTES:
            yield Finding("storage", "warning", text, "Old footage will go soon; free space or lower min_free_bytes.")
        else:
            yield Finding("storage", "ok", text)


def _clock(patient: Patient) -> Iterator[Finding]:
    if patient.clock.wall_ns() < _PLAUSIBLE_WALL_NS:
        yield Finding("clock", "error", "The clock was never set.", "Set it, and run a time service (chrony).")
    elif not Path("/run/systemd/timesync/synchronized").exists() and not Path("/run/chrony").exists():
        yield Finding(
            "clock", "hint", "No time service was found.", "Footage is found by time: run chrony or systemd-timesyncd."
        )
    else:
        yield Finding("clock", "ok", "A time service is running.")


def _port(patient: Patient) -> Iterator[Finding]:
    web = (patient.config or CameraHostConfig()).web
    if web.port == 0:
        return
    with socket.socket(socket.AF_INET6 if ":" in web.bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((web.bind, web.port))
            yield Finding("web", "ok", f"{web.bind} port {web.port} is free.")
        except OSError as error:
            todo = "Stop what uses it (perhaps Eyespot itself), or change [web]."
            yield Finding("web", "warning", f"{web.bind} port {web.port}: {error.strerror}.", todo)


def _privacy(patient: Patient) -> Iterator[Finding]:
    path = patient.config_path
    if path is not None and path.exists() and path.stat().st_mode & 0o004:
        text = "Camera passwords in it can be read by every user of this machine."
        yield Finding("permissions", "warning", f"{path}: {text}", f"Run: chmod 600 {path}.")


def _tools(_: Patient) -> Iterator[Finding]:
    if shutil.which("ffmpeg") is None:
        yield Finding("ffmpeg", "hint", "ffmpeg is not installed; only the benches compare with it.")


_LOOKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    _python, _bus, _encoders, _libcamera, _accelerators, _models, _hosts, _disks, _clock, _port, _privacy, _tools,
)  # fmt: skip
