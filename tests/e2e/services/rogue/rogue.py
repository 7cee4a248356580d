"""Tries what no service may, over its own socket, and beats so that it is left to it."""

import json
import os
import socket
import time
from pathlib import Path

RUN = Path(os.environ["EYESPOT_RUN"])
TRIES = (
    b"PUB eyespot.service.counter.event 2\r\n{}\r\nPUB eyespot.events.front 2\r\n{}\r\nPUB $JS.API.INFO 0\r\n\r\n"
    b"SUB > 1\r\nSUB eyespot.service.counter.config 2\r\nSUB $JS.> 3\r\nPUB eyespot.control.supervisor 2\r\n{}\r\n"
)


def dial() -> socket.socket:
    while True:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(RUN / "bus.sock"))
            return made
        except OSError:
            made.close()
            time.sleep(0.05)


def claim() -> None:
    """Sign in as someone else."""
    with dial() as talk:
        talk.recv(65536)
        talk.sendall(b'CONNECT {"user": "counter", "nkey": "U"}\r\n')
        talk.recv(65536)


claim()
with dial() as bus:
    bus.sendall(b'CONNECT {"verbose": false, "name": "counter"}\r\n' + TRIES)
    while True:
        beat = json.dumps({"v": 1, "version": "0.1.0", "uptime_s": 1}).encode()
        bus.sendall(b"PUB eyespot.service.rogue.beat %d\r\n%s\r\n" % (len(beat), beat))
        time.sleep(0.5)
