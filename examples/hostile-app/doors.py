"""Requests at its own sockets that a service must not get through: at the proxy, the frames, the bus and the models.

Sockets may come a moment after the service has started; each is waited for once. HOSTILE_DOORS names those that are
tried (``net frames bus models``, all of them unless given). HOSTILE_PORT is a TCP port of the host
that listens, HOSTILE_NAME (``host:port``) a destination that was granted and whose name leads into the host.
"""

import json
import os
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

RUN = Path(os.environ.get("EYESPOT_RUN", "/run/eyespot"))
PATIENCE_S = 5.0
PORT = os.environ.get("HOSTILE_PORT", "22")
DESTINATIONS = {
    "not_granted": ["example.com:443", "1.1.1.1:443"],
    "loopback_of_the_host": [f"127.0.0.1:{PORT}", f"[::1]:{PORT}", f"localhost:{PORT}"],
    "loopback_in_other_words": [f"{host}:{PORT}" for host in ("2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0")],
    "link_local": ["169.254.169.254:80", "[fe80::1]:80"],
    "a_granted_name_that_leads_into_the_host": [os.environ.get("HOSTILE_NAME", f"localhost:{PORT}")] * 3,
}
VIEWS = {
    "a_view_of_another": {"v": 1, "view": "hall"},
    "a_view_by_path": {"v": 1, "view": "../door"},
    "a_view_made_up": {"v": 1, "view": {"camera": "front", "form": "full"}},
}
SUBJECTS = {
    "an_event_of_another": b"PUB eyespot.service.victim.event 2\r\n{}\r\n",
    "the_supervisor": b"PUB eyespot.control.supervisor 2\r\n{}\r\n",
    "everything_heard": b"SUB > 1\r\n",
}
DOORS = os.environ.get("HOSTILE_DOORS", "net frames bus models").split()
_missing: set[str] = set()


def attempts() -> dict[str, Callable[[], str]]:
    """One for each, named after its door; ``OSError`` where that is not there."""
    made: dict[str, Callable[[], str]] = {}
    made |= {f"net_{name}": partial(_reach, targets) for name, targets in DESTINATIONS.items()}
    made |= {f"frames_{name}": partial(_see, request) for name, request in VIEWS.items()}
    made |= {f"bus_{name}": partial(_say, words) for name, words in SUBJECTS.items()}
    made["models_one_not_granted"] = _infer
    return {name: act for name, act in made.items() if name.split("_")[0] in DOORS}


def _dial(name: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
    ends = time.monotonic() + (0 if name in _missing else PATIENCE_S)
    while True:
        door = socket.socket(socket.AF_UNIX, kind)
        door.settimeout(PATIENCE_S)
        try:
            door.connect(str(RUN / name))
            return door
        except OSError:
            door.close()
            if time.monotonic() >= ends:
                _missing.add(name)
                raise
            time.sleep(0.02)


def _reach(targets: list[str]) -> str:
    for target in targets:
        with _dial("net.sock") as door:
            door.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            if b" 200 " in door.recv(4096).split(b"\r\n")[0]:
                return f"connected to {target}"
    return ""


def _see(request: dict[str, object]) -> str:
    with _dial("frames.sock", socket.SOCK_SEQPACKET) as door:
        door.send(json.dumps(request).encode())
        said, fds, _, _ = socket.recv_fds(door, 8192, 1)
        return "got a view" if fds or (said and b'"error"' not in said) else ""


def _say(words: bytes) -> str:
    with _dial("bus.sock") as door:
        door.recv(4096)
        door.sendall(b'CONNECT {"verbose": false}\r\n' + words + b"PING\r\n")
        said = b""
        while b"PONG" not in said and b"-ERR" not in said and (more := door.recv(4096)):
            said += more
        return "the bus took it" if b"PONG" in said and b"-ERR" not in said else ""


def _infer() -> str:
    with _dial("infer.sock") as door:
        door.sendall(b"POST /v2/models/not-granted/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        return "it ran" if b" 200 " in door.recv(4096).split(b"\r\n")[0] else ""
