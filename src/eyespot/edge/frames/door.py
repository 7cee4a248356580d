"""The frames socket of one service: who connects is checked, one request is read, a descriptor and ticks are sent.

Everything that a hostile client can do is bounded here: how many connections there are and how fast they come, how long
a request may take and how large it is, and what waits for a client that does not read: ticks are sent without waiting.
"""

import array
import asyncio
import contextlib
import json
import logging
import socket
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eyespot.contracts.frames_door import MAX_REQUEST_BYTES, FramesAnswer, FramesRequest, Grant, Tick
from eyespot.contracts.view import NamedView, View
from eyespot.edge.frames.caller import check_caller
from eyespot.edge.frames.cut import Cut
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found
from eyespot.kernel.socket_path import let_reach, reachable
from eyespot.kernel.unread import unread_bytes

log = logging.getLogger(__name__)

MAX_CLIENTS = 16
REQUEST_S = 5.0
"""A client that asked for nothing after so long is sent away."""
ACCEPTS, ACCEPT_WINDOW_S = 32, 0.5
"""More connections than this in the window wait for the next."""
SEND_BUFFER_BYTES = 8192
"""What waits for a client that does not read: about ten ticks, with what the kernel adds to each."""
_KEPT_REFUSALS = 16


class Client:
    """One connection. ``cut`` is set once its view was handed out."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.view_name = ""
        self.cut: Cut | None = None
        self.lost = 0
        self.patience: asyncio.TimerHandle | None = None

    def say(self, message: str, descriptor: int = -1) -> bool:
        """Send without waiting; False when the client does not take it."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))] if descriptor >= 0 else []
        try:
            self.peer.sendmsg([message.encode()], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:
            return False
        return True

    def stop_hearing(self) -> None:
        """Throw away what it sent, and let it send no more: else the kernel tells it of that loss, not of our word."""
        with contextlib.suppress(OSError):
            self.peer.shutdown(socket.SHUT_RD)
            while self.peer.recv(1, socket.MSG_DONTWAIT):
                pass


class Door:
    """Serves one grant from ``open`` to ``close``; everything runs in the event loop.

    Args:
        cut_of: gives the cut of a granted view, making it when it is the first; raises ``EyespotError``.
        leave: called when a client that had a view is gone.
    """

    def __init__(
        self,
        service: str,
        grant: Grant,
        cut_of: Callable[[str, NamedView], Cut],
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self.service = service
        self.grant = grant
        self._cut_of = cut_of
        self._leave = leave
        self._clients: dict[int, Client] = {}
        self._listener: socket.socket | None = None
        self._accepts = 0
        self._resume: asyncio.TimerHandle | None = None
        self.served = self.refused = self.lost = 0
        self._offered: Counter[str] = Counter()
        self._refusals: deque[str] = deque(maxlen=_KEPT_REFUSALS)

    def open(self) -> None:
        """Listen; a socket left by an earlier life is replaced. Raises ``UNAVAILABLE`` where it cannot be made."""
        try:
            self._listener = _listen(self.grant.socket, self.grant.uid)
        except OSError as error:
            raise EyespotError(
                Kind.UNAVAILABLE,
                f"The frames socket of {self.service} cannot be made: {error.strerror}.",
                "Look whether its folder is there.",
            ) from error
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Hang up on everybody and take the socket away."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
            with contextlib.suppress(OSError):
                self.grant.socket.unlink()
        if self._resume is not None:
            self._resume.cancel()
        self.hang_up()

    def hang_up(self, cut: Cut | None = None) -> None:
        """End the connections of those who read ``cut``, or everybody's."""
        for client in [one for one in self._clients.values() if cut is None or one.cut is cut]:
            self._end(client)

    def reads(self, cut: Cut) -> bool:
        """Whether a client of this service reads ``cut`` now."""
        return any(client.cut is cut for client in self._clients.values())

    def tick(self, cut: Cut, tick: str) -> None:
        """Tell the readers of ``cut``; whoever does not read loses it, and was offered it all the same."""
        names = set()
        for client in list(self._clients.values()):
            if client.cut is cut:
                names.add(client.view_name)
                if not client.say(tick):
                    client.lost += 1
                    self.lost += 1
        self._offered.update(names)

    @property
    def unread(self) -> bool:
        """Whether a client has not read all that it was told."""
        return any(unread_bytes(client.peer) for client in self._clients.values())

    def status(self) -> dict[str, Any]:
        """Counters, what is read now, and the last refusals in words."""
        views = sorted(client.view_name for client in self._clients.values() if client.cut is not None)
        counts: dict[str, Any] = {"served": self.served, "refused": self.refused, "ticks_lost": self.lost}
        counts["refusals"] = list(self._refusals)
        return {"clients": len(self._clients), "reading": views, "offered": dict(self._offered), **counts}

    def _accept(self) -> None:
        assert self._listener is not None
        self._accepts += 1
        if self._accepts == 1:
            self._resume = asyncio.get_running_loop().call_later(ACCEPT_WINDOW_S, self._breathe)
        elif self._accepts >= ACCEPTS:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
        try:
            peer, _ = self._listener.accept()
        except OSError as error:
            if not isinstance(error, BlockingIOError | ConnectionError):
                log.warning("frames of %s: a connection cannot be taken: %s", self.service, error)
            return
        peer.setblocking(False)
        client = Client(peer)
        try:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            check_caller(peer, self.grant)
            if len(self._clients) >= MAX_CLIENTS:
                raise EyespotError(Kind.EXHAUSTED, f"There are already {MAX_CLIENTS} readers here.", "Close some.")
        except EyespotError as error:
            self._refuse(client, error)
            return
        self._clients[peer.fileno()] = client
        loop = asyncio.get_running_loop()
        client.patience = loop.call_later(REQUEST_S, self._end, client)
        loop.add_reader(peer.fileno(), self._hear, client)

    def _breathe(self) -> None:
        if self._accepts >= ACCEPTS and self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)
        self._accepts = 0

    def _hear(self, client: Client) -> None:
        try:
            data = client.peer.recv(MAX_REQUEST_BYTES + 1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(client)
            return
        try:
            if client.cut is not None:
                raise invalid("A connection is for one view and one request.", "Connect once more for another.")
            self._serve(client, self._wanted(data))
        except EyespotError as error:
            self._refuse(client, error)

    def _wanted(self, data: bytes) -> NamedView:
        """The granted view that a request names."""
        if len(data) > MAX_REQUEST_BYTES:
            raise invalid(f"A request of more than {MAX_REQUEST_BYTES} bytes.", "Name one view.")
        try:
            name = FramesRequest.model_validate_json(data).view
        except ValidationError as error:
            raise invalid("The request does not parse.", 'Send {"v": 1, "view": "NAME"}.') from error
        for view in self.grant.views:
            if view.name == name:
                return view
        granted = ", ".join(view.name for view in self.grant.views) or "none"
        raise not_found(f"No view of that name is granted to {self.service}.", f"Granted are: {granted}.")

    def _serve(self, client: Client, named: NamedView) -> None:
        cut = self._cut_of(self.service, named)
        answer = FramesAnswer(view=View.model_validate(cut.view), slots=cut.ring.layout.slots)
        if not client.say(answer.model_dump_json(), cut.ring.descriptor):
            self._end(client)
            return
        client.cut, client.view_name = cut, named.name
        if client.patience is not None:
            client.patience.cancel()
        self.served += 1

    def _refuse(self, client: Client, error: EyespotError) -> None:
        self.refused += 1
        self._refusals.append(str(error)[:200])
        client.say(json.dumps({"error": {"kind": error.kind.name, "what": error.what, "todo": error.todo}}))
        client.stop_hearing()
        self._end(client)

    def _end(self, client: Client) -> None:
        if client.patience is not None:
            client.patience.cancel()
        number = client.peer.fileno()
        if self._clients.pop(number, None) is not None:
            asyncio.get_running_loop().remove_reader(number)
        client.peer.close()
        if client.cut is not None:
            self._leave()


def tick_text(cut: Cut, seq: int) -> str:
    """The datagram for frame ``seq``."""
    return Tick(seq=seq, slot=(seq - 1) % cut.ring.layout.slots).model_dump_json()


def _listen(path: Path, uid: int) -> socket.socket:
    """A listening socket that ``uid`` can reach; who calls is checked at each connection."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)
        with reachable(path) as short:
            listener.bind(short)
        let_reach(path, uid)
        listener.listen(MAX_CLIENTS)
    except BaseException:  # whatever happened, what was opened is closed; raised on
        listener.close()
        raise
    return listener
