"""A model in the inference process, used like a session of one's own.

Owns one connection at a time and makes a new one when the process was started again. A request that was under way when
the process ended fails with ``UNAVAILABLE``; the next one waits a moment for the new process.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge import infer_wire as wire
from eyespot.edge.infer_models import Wanted
from eyespot.infer.session import Image, Outputs
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import corrupt, invalid, unavailable

RETRY_S = 0.05
OPEN_S = 60.0
"""How long opening a model may take: some runtimes compile for seconds."""
ANSWER_S = 60.0
"""Beyond any run: the inference process ends itself sooner when a driver hangs."""


@dataclass(frozen=True, slots=True)
class Account:
    """On whose share requests run."""

    client: str
    share: float
    priority: int = 0


@dataclass(slots=True)
class _Line:
    peer: socket.socket
    opened: wire.Opened
    arena: wire.Arena


class RemoteSession:
    """Stands in for ``infer.session.Session``; one thread at a time.

    Args:
        path: the inference process's socket.
        patience_s: how long ``run`` and the first opening wait for a process that is being started.

    Raises ``UNAVAILABLE`` when nobody answers within ``patience_s``, and what opening the model raises there.
    """

    def __init__(self, path: Path, wanted: Wanted, account: Account, clock: Clock, *, patience_s: float = 10.0) -> None:
        self._path = path
        self._wanted = wanted
        self._account = account
        self._clock = clock
        self._patience_s = patience_s
        self._closed = False
        self._line: _Line | None = self._connect()
        self.reconnects = 0
        self.ran_ns = 0
        """How long the last run took there, without waiting for its turn."""

    @property
    def choice(self) -> wire.Opened:
        """What runs where, and why; the same as last time while the process is away."""
        return self._opened

    @property
    def input_px(self) -> tuple[int, int]:
        """Height and width of the pictures it takes."""
        return self._opened.input_px

    def run(
        self, image: Image, *, borrow: bool = False, deadline_ns: int | None = None, client: str | None = None
    ) -> Outputs:
        """As ``Session.run``; with ``borrow`` the arrays are views of shared memory and hold until the next run.

        ``client`` pays, where it has an account there (see ``infer_accounts``); else the session's own does.

        Raises ``UNAVAILABLE`` when the process ended meanwhile, is not back in time, or the deadline passed.
        """
        if self._closed:
            raise unavailable("The remote session is closed.")
        line = self._asked(image, wire.RunRequest(deadline_ns=deadline_ns, client=client))
        try:
            answer = self._answer(line.peer)
            self.ran_ns = answer.run_ns
            arrays = [line.arena.view(placed) for placed in answer.outputs]
        except _EndedError as error:
            self._hang_up()
            raise wire.gone() from error
        return tuple(arrays) if borrow else tuple(array.copy() for array in arrays)

    def _asked(self, image: Image, request: wire.RunRequest) -> _Line:
        """Put the question; where the process ended since the last one, to the next process."""
        for _ in range(2):
            if self._line is None:
                self._line = self._connect()
                self.reconnects += 1
            line = self._line
            shape = (*line.opened.input_px, 3)
            if image.shape != shape or image.dtype.name != "uint8":
                given = f"{list(image.shape)} {image.dtype}"
                raise invalid(f"The model takes a picture {list(shape)} uint8, {given} was given.")
            line.arena.view(wire.Placed(dtype="uint8", shape=shape, offset=0))[...] = image
            try:
                wire.send(line.peer, request)
                return line
            except OSError:
                self._hang_up()
        raise wire.gone()

    def close(self) -> None:
        """Hang up; the model's memory is given back there when nobody else has it."""
        self._closed = True
        self._hang_up()

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.peer.close()

    def _connect(self) -> _Line:
        """Connect and open the model, waiting for a process that is not there yet."""
        until_ns = self._clock.monotonic_ns() + from_seconds(self._patience_s)
        while True:
            try:
                return self._open()
            except (OSError, _EndedError) as error:
                if self._clock.monotonic_ns() >= until_ns:
                    raise unavailable(
                        "The inference process does not answer.", "It is started again by itself; see its log."
                    ) from error
            threading.Event().wait(RETRY_S)

    def _open(self) -> _Line:
        wanted, account = self._wanted, self._account
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            peer.settimeout(OPEN_S)
            peer.connect(str(self._path))
            if not wire.same_user(peer):
                raise corrupt("The inference socket belongs to another user.")
            request = wire.OpenRequest(
                client=account.client, share=account.share, priority=account.priority, package=wanted.package,
                variant=wanted.variant, accelerator=wanted.accelerator, threads=wanted.threads, size_px=wanted.size_px,
            )  # fmt: skip
            with _socket_failures():
                wire.send(peer, request)
                found = wire.receive(peer, {"Opened": wire.Opened, "Refusal": wire.Refusal}, with_descriptor="Opened")
            if found is None:
                raise _EndedError
            message, descriptor = found
            if isinstance(message, wire.Refusal):
                raise message.error()
            if not isinstance(message, wire.Opened):
                raise corrupt("The inference process gave an answer to something else.")
            self._opened = message
            peer.settimeout(ANSWER_S)
            return _Line(peer, message, wire.Arena.map(descriptor, message.arena_bytes))
        except BaseException:  # whatever it is, the connection is not used; it is raised on
            peer.close()
            raise

    def _answer(self, peer: socket.socket) -> wire.RunAnswer:
        """What became of the request; raises what was refused, ``_EndedError`` when the process is gone."""
        with _socket_failures():
            found = wire.receive(peer, {"RunAnswer": wire.RunAnswer, "Refusal": wire.Refusal})
        if found is None:
            raise _EndedError
        answer = found[0]
        if isinstance(answer, wire.Refusal):
            raise answer.error()
        if not isinstance(answer, wire.RunAnswer):
            raise corrupt("The inference process gave an answer to something else.")
        return answer


class _EndedError(Exception):
    """The other side is gone."""


@contextlib.contextmanager
def _socket_failures() -> Iterator[None]:
    """A socket's failure is the other side's end."""
    try:
        yield
    except OSError as error:
        raise _EndedError from error
