"""An app that uses one thing up, or refuses to go.

``python3 hog.py memory|shm|pids|disk|sync|files|log|cpu|linger|infer``
"""

import errno
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO

SCRATCH = Path(os.environ.get("TMPDIR", "/scratch"))
RUN = Path(os.environ.get("EYESPOT_RUN", "/run/eyespot"))


def memory() -> None:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)))


def shm() -> None:
    for number in range(4):
        with open(f"/dev/shm/hog{number}", "wb") as file:
            _fill(file)


def pids() -> None:
    children = 0
    try:
        for _ in range(2000):
            child = os.fork()
            if child == 0:
                signal.pause()
            children += 1
    except OSError as error:
        print(f"pids: {children} and then {errno.errorcode[error.errno or 0]}", flush=True)


def disk() -> None:
    with open(SCRATCH / "hog", "wb") as file:
        _fill(file)
    with open(SCRATCH / "hog2", "wb") as file:
        _fill(file)


def _fill(file: IO[bytes]) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    written = 0
    try:
        while written < 1 << 30:
            written += os.write(file.fileno(), b"x" * (1 << 16))
    except OSError as error:
        print(f"{file.name}: {written} bytes and then {errno.errorcode[error.errno or 0]}", flush=True)


def sync() -> None:
    """Keeps the disk busy within its own storage: small writes that are synced, then large ones."""
    with open(SCRATCH / "hog", "wb") as file:
        for kind, size, times in (("small", 1 << 12, 40), ("large", 1 << 20, 4)):
            begin_s, data = time.monotonic(), b"x" * size
            for place in range(times):
                os.pwrite(file.fileno(), data, place * size)
                os.fsync(file.fileno())
            print(f"{kind}: {time.monotonic() - begin_s:.3f}", flush=True)


def files() -> None:
    made = 0
    try:
        for made in range(1_000_000):
            (SCRATCH / f"file{made}").touch()
    except OSError as error:
        print(f"files: {made} and then {errno.errorcode[error.errno or 0]}", flush=True)


def log() -> None:
    for _ in range(4000):
        os.write(1, b"y" * 1023 + b"\n")


def cpu() -> None:
    ends = time.monotonic() + 1.0
    helpers = [os.fork() for _ in range(2)]
    while time.monotonic() < ends:
        pass
    if all(helpers):
        print("cpu:", sum(os.wait()[1] for _ in helpers), flush=True)


def linger() -> None:
    """Refuses to go, with a child in another session that nobody waits for."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
    else:
        print("lingering", flush=True)
    while True:
        time.sleep(3600)


def infer() -> None:
    """Asks for inferences over several connections, as fast as they are answered, for ever."""
    described = {"name": "image", "shape": [1, 32, 48, 3], "datatype": "UINT8"}
    raw = bytes(32 * 48 * 3)
    head = json.dumps({"inputs": [{**described, "parameters": {"binary_data_size": len(raw)}}]}).encode()
    request = (
        b"POST /v2/models/means/infer HTTP/1.1\r\nHost: a\r\n"
        b"Inference-Header-Content-Length: %d\r\nContent-Length: %d\r\n\r\n" % (len(head), len(head) + len(raw))
    )
    for _ in range(3):
        if os.fork() == 0:
            break
    while True:
        with socket.socket(socket.AF_UNIX) as door:
            try:
                door.connect(str(RUN / "infer.sock"))
                while True:
                    door.sendall(request + head + raw)
                    if not door.recv(1 << 16):
                        break
            except OSError:
                time.sleep(0.02)


if __name__ == "__main__":
    hogs = (memory, shm, pids, disk, sync, files, log, cpu, linger, infer)
    {hog.__name__: hog for hog in hogs}[sys.argv[1]]()
