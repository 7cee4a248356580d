"""One view of a camera, as a service reads it: asks at the frames socket, then follows ticks into shared memory.

The protocol is ``contracts.frames_door``. Blocking or not, as one likes: ``wait`` blocks, ``take`` never does, and
``fileno`` fits into any event loop. Between two calls frames are lost to nobody but this reader: the newest counts.
"""

import contextlib
import json
import os
import select
import socket
from pathlib import Path

from pydantic import ValidationError

from eyespot.contracts.frames_door import MAX_ANSWER_BYTES, FramesAnswer, FramesRequest, Tick
from eyespot.contracts.view import View
from eyespot.kernel.errors import EyespotError, Kind, corrupt, unavailable
from eyespot.kernel.socket_path import reachable
from eyespot.sdk.ring_reader import Pixels, RingFrame, RingReader

ANSWER_S = 10.0


class ViewClient:
    """Connects to the view ``name`` at the socket ``path``.

    Attributes:
        view: what is shown.
        ring: the mapped ring.
        missed: frames that were made and not taken, because this reader came too late.

    Raises:
        EyespotError: ``UNAVAILABLE`` when nobody answers; what the other side refused with; ``CORRUPT``.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._peer = _connect(path)
        try:
            answer, descriptor = _ask(self._peer, name)
            try:
                self.ring = RingReader(descriptor)
            finally:
                os.close(descriptor)
        except BaseException:  # whatever happened, what was opened is closed; raised on
            self._peer.close()
            raise
        self.view: View = answer.view
        self.missed = 0
        self._taken = 0
        self._peer.setblocking(False)

    def fileno(self) -> int:
        """The socket's descriptor: readable when ``take`` may have something."""
        return self._peer.fileno()

    def wait(self, timeout_s: float) -> bool:
        """Block until there may be a frame; False when ``timeout_s`` passed."""
        return bool(select.select([self._peer], [], [], timeout_s)[0])

    def take(self, into: Pixels | None = None) -> RingFrame | None:
        """A copy of the newest frame not taken yet, or None; see ``RingReader.copy``.

        Raises ``UNAVAILABLE`` when the connection ended: connect again.
        """
        seq = self._newest_tick()
        return None if seq is None else self._count(self.ring.copy(seq, into))

    def borrow(self) -> RingFrame | None:
        """The same without a copy; see ``RingReader.borrow`` for what to ask afterwards."""
        seq = self._newest_tick()
        return None if seq is None else self._count(self.ring.borrow(seq))

    def close(self) -> None:
        """Hang up and unmap."""
        self._peer.close()
        self.ring.close()

    def _newest_tick(self) -> int | None:
        newest: int | None = None
        while True:
            try:
                data = self._peer.recv(MAX_ANSWER_BYTES)
            except BlockingIOError:
                return newest
            except OSError:
                data = b""
            if not data:
                if newest is not None:
                    return newest
                raise unavailable("The frames process hung up.", "Connect again.")
            newest = _tick(data).seq

    def _count(self, frame: RingFrame | None) -> RingFrame | None:
        if frame is not None:
            self.missed += max(0, frame.seq - self._taken - 1) if self._taken else 0
            self._taken = frame.seq
        return frame


def _connect(path: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    peer.settimeout(ANSWER_S)
    try:
        with reachable(path) as short:
            peer.connect(short)
    except OSError as error:
        peer.close()
        raise unavailable(
            f"Nobody answers on {path.name}: {error.strerror or error}.", "Wait until frames are up."
        ) from error
    return peer


def _ask(peer: socket.socket, name: str) -> tuple[FramesAnswer, int]:
    """The answer and the ring's descriptor, the caller's to close."""
    try:
        with contextlib.suppress(BrokenPipeError):  # it refused us already, and says why
            peer.send(FramesRequest(view=name).model_dump_json().encode())
        data, descriptors, _, _ = socket.recv_fds(peer, MAX_ANSWER_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    except OSError as error:
        raise unavailable("The frames process does not answer.", "Connect again.") from error
    try:
        if not descriptors:
            raise _refusal(data)
        return FramesAnswer.model_validate_json(data), descriptors.pop()
    except ValidationError as error:
        raise corrupt("The frames process gave an answer that does not parse.") from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _refusal(data: bytes) -> EyespotError:
    if not data:
        return unavailable("The frames process hung up.", "Connect again.")
    try:
        error = json.loads(data)["error"]
        return EyespotError(Kind[error["kind"]], str(error["what"]), str(error["todo"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return corrupt("The frames process gave an answer that does not parse.")


def _tick(data: bytes) -> Tick:
    try:
        return Tick.model_validate_json(data)
    except ValidationError as error:
        raise corrupt("The frames process sent a tick that does not parse.") from error
