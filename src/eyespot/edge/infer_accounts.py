"""The cameras' accounts in the inference process: each camera's part of the accelerator is what the plan gives it.

Owns the one connection that the accounts there last as long as, and how a plan becomes shares. A process that was
started again is told anew at the next call.
"""

import logging
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

from eyespot.edge import infer_wire as wire
from eyespot.edge.detector import account_of
from eyespot.infer.share.fair_queue import LEAST_SHARE
from eyespot.kernel.errors import EyespotError, corrupt

log = logging.getLogger(__name__)

COMMON = "cameras"
"""The account of cameras that have none of their own, and of the sessions' openings."""
ANSWER_S = 5.0


def shares_of(planned: Mapping[str, float], part: float) -> dict[str, float]:
    """Shares by account of cameras that the plan gives ``planned`` of the lanes; what is left is for all.

    Args:
        planned: parts of the cameras' lanes by camera, together less than 1.
        part: of the accelerator that is the cameras', 0 to 1.

    Cameras whose part is below ``LEAST_SHARE``, and the smallest where there are too many, use the common account.
    """
    own: dict[str, float] = {}
    left = part
    for camera, share in sorted(planned.items(), key=lambda pair: (-pair[1], pair[0]))[: wire.MAX_ACCOUNTS - 1]:
        if LEAST_SHARE <= share * part <= left - LEAST_SHARE:
            own[account_of(camera)] = share * part
            left -= share * part
    return {COMMON: left, **own}


class RemoteAccounts:
    """Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._peer: socket.socket | None = None
        self._told: dict[str, float] = {}

    def set(self, shares: Mapping[str, float]) -> None:
        """Tell the process where it does not know yet. One that is away is told later; a refusal is logged once."""
        with self._lock:
            self._set(dict(shares))

    def close(self) -> None:
        """Give the accounts up."""
        with self._lock:
            self._hang_up()

    def _set(self, wanted: dict[str, float]) -> None:
        if self._peer is not None and _is_over(self._peer):
            self._hang_up()
        if self._peer is not None and wanted == self._told:
            return
        try:
            self._tell(wanted)
        except OSError:
            self._hang_up()
        except EyespotError as error:
            log.warning("the cameras' shares of the inference process stay as they were: %s", error)

    def _hang_up(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.close()

    def _tell(self, wanted: dict[str, float]) -> None:
        if self._peer is None:
            self._peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
            self._peer.settimeout(ANSWER_S)
            self._peer.connect(str(self._path))
            if not wire.same_user(self._peer):
                self._hang_up()
                raise corrupt("The inference socket belongs to another user.")
        wire.send(self._peer, wire.AccountsRequest(shares=wanted))
        found = wire.receive(self._peer, {"AccountsSet": wire.AccountsSet, "Refusal": wire.Refusal})
        if found is None:
            raise ConnectionResetError
        self._told = wanted
        if isinstance(found[0], wire.Refusal):
            raise found[0].error()


def _is_over(peer: socket.socket) -> bool:
    """Whether the other side has hung up."""
    try:
        return not peer.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
