"""A first config file for one camera, for `up` and `demo`."""

from pathlib import Path
from typing import Any

import tomlkit

from eyespot.edge.config_file import load_config, replace_file
from eyespot.kernel.errors import invalid

_URLS = ("rtsp://", "rtsps://", "http://", "https://", "synthetic:", "/dev/", "libcamera:")


def ensure_config(state: Path, source: str) -> Path:
    """``<state>/config.toml``, written for ``source`` when it is missing."""
    path = state / "config.toml"
    if not path.exists():
        write_config(state, source, name="Camera 1")
    return path


def write_config(state: Path, source: str, *, name: str, port: int = 8450, detect: bool = True) -> Path:
    """Write ``<state>/config.toml`` for one camera; raises ``INVALID`` when a source file does not exist."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Every key: eyespot config schema, docs/guide/config.md"))
    stream = {"name": "main", "source": _absolute(source)}
    camera: dict[str, Any] = {"id": "camera-1", "name": name, "stream": [stream]}
    if not detect:
        camera["detect"] = {"enabled": False}
    document.update({"web": {"port": port}, "camera": [camera]})
    state.mkdir(parents=True, exist_ok=True)
    path = state / "config.toml"
    replace_file(path, tomlkit.dumps(document).encode(), mode=0o600)
    load_config(path)
    return path


def _absolute(source: str) -> str:
    if source.lower().startswith(_URLS):
        return source
    path = Path(source)
    if not path.is_file():
        raise invalid(f"There is no file {source}.", "Name an address (rtsp://…), a device (/dev/video0) or a file.")
    return str(path.absolute())
