"""Answers and counts what the kernel refuses one service. Runs in the event loop, from the start to its end.

The filter's listener comes over a socket, from whoever installed the filter: our launcher inside of bubblewrap, or the
OCI runtime. Each refused call stands still until it is answered here, so a service that floods waits for us, not we for
it: so many answers a second, more at once after a quiet time, and what is above that waits in the service's own
thread. Should this process die, the kernel answers ENOSYS; nothing ever passes.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections import Counter

from eyespot.edge.services.bucket import Bucket
from eyespot.edge.services.engines.contract import KernelRefusals
from eyespot.edge.services.engines.notification import is_over, is_waiting, receive, refuse
from eyespot.edge.services.engines.refusal import refusal_of
from eyespot.kernel.clock import Clock

log = logging.getLogger(__name__)

ANSWERS_PER_S, AT_ONCE = 100.0, 500.0
"""How many refused calls of one service are answered."""
_TURN = 16
"""Answers before others in the event loop have their turn."""
_MESSAGE_BYTES = 1 << 16
"""A runtime tells the container's state along with the listener."""


class RefusalListener:
    """Of one life of a service.

    Args:
        source: where the listener comes from; closed here. One that listens takes one connection first.
        machine: as uname(2) says it.
    """

    def __init__(self, source: socket.socket, clock: Clock, machine: str) -> None:
        self._clock = clock
        self._machine = machine
        self._bucket = Bucket(ANSWERS_PER_S, clock, AT_ONCE)
        self._counted: Counter[str] = Counter()
        self._held_up = 0
        self._loop = asyncio.get_running_loop()
        self._listener: int | None = None
        self._heard = False
        self._resume: asyncio.TimerHandle | None = None
        self._source: socket.socket | None = source
        source.setblocking(False)
        self._loop.add_reader(source.fileno(), self._take)

    def refusals(self) -> KernelRefusals:
        """What was refused until now."""
        return KernelRefusals(told=self._heard, by_call=dict(self._counted), held_up=self._held_up)

    def close(self) -> None:
        """The service has ended: give back what is open."""
        if self._source is not None:
            self._take()  # it may have come with the end
        self._drop_source()
        self._drop_listener()

    def _take(self) -> None:
        """The source has something: a connection, or the listener."""
        assert self._source is not None
        with contextlib.suppress(BlockingIOError):
            if self._source.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                connected, _ = self._source.accept()
                self._drop_source()
                connected.setblocking(False)
                self._source = connected
                self._loop.add_reader(connected.fileno(), self._take)
            self._take_listener(self._source)

    def _take_listener(self, source: socket.socket) -> None:
        try:
            said, fds, _, _ = socket.recv_fds(source, _MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            said, fds = b"", []
        self._drop_source()
        if not fds:
            if said:
                log.warning("what the kernel refuses is not counted: %s", said[:200].decode(errors="replace"))
            return
        self._listener, self._heard = fds[0], True
        self._loop.add_reader(self._listener, self._answer)

    def _answer(self) -> None:
        assert self._listener is not None
        for _ in range(_TURN):
            if not is_waiting(self._listener):
                if is_over(self._listener):
                    self._drop_listener()
                return
            call = receive(self._listener)
            if call is None:
                continue
            refusal = refusal_of(self._machine, call.number, call.argument)
            refuse(self._listener, call, refusal.error)
            self._counted[refusal.kind] += 1
            if (wait_s := self._bucket.take(1.0)) > 0:
                self._hold_up(wait_s)
                return

    def _hold_up(self, wait_s: float) -> None:
        assert self._listener is not None
        self._held_up += 1
        self._loop.remove_reader(self._listener)
        self._resume = self._loop.call_later(wait_s, self._go_on)

    def _go_on(self) -> None:
        if self._listener is not None:
            self._loop.add_reader(self._listener, self._answer)

    def _drop_source(self) -> None:
        if self._source is not None:
            self._loop.remove_reader(self._source.fileno())
            self._source.close()
            self._source = None

    def _drop_listener(self) -> None:
        if self._resume is not None:
            self._resume.cancel()
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            os.close(self._listener)
            self._listener = None
