"""The proxy of one service: CONNECT on a Unix socket, to what was granted and nothing else.

Who connects is told by the kernel. Everything is bounded, and what is above a bound waits in the service's own socket,
so a flood holds up nobody but its source. Every connection, and every attempt that was refused, is noted.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from eyespot.contracts.destination import NetworkDestination, parse_destination
from eyespot.contracts.frames_door import Grant
from eyespot.edge.frames.caller import check_caller
from eyespot.edge.services.bucket import Bucket
from eyespot.edge.services.egress.limits import Counters, Limits
from eyespot.edge.services.egress.pump import STREAM_LIMIT_BYTES, End, Pump
from eyespot.edge.services.egress.reach import NotReachedError, Outside, reach
from eyespot.edge.services.egress.record import Connection, Outcome
from eyespot.edge.services.egress.wire import ConnectWire
from eyespot.kernel.clock import Clock, seconds
from eyespot.kernel.errors import EyespotError, Kind, invalid
from eyespot.kernel.ids import new_id
from eyespot.kernel.socket_path import let_reach, reachable

log = logging.getLogger(__name__)

REST_S = 0.5
"""After the machine had no room for one more connection."""
LINGER_S = 5.0
"""How long the last bytes may take."""


class EgressProxy:
    """From ``open`` to ``close``.

    Args:
        grant: whose socket it is and where; views are not looked at.
        granted: destinations as ``host:port``.
        note: takes each new state of a connection; never waits.
        counters: go on where an earlier proxy of the service ended.
    """

    def __init__(
        self,
        service: str,
        grant: Grant,
        granted: Iterable[str],
        outside: Outside,
        note: Callable[[Connection], None],
        clock: Clock,
        *,
        limits: Limits | None = None,
        counters: Counters | None = None,
    ) -> None:
        self.counters = counters or Counters()
        self._service = service
        self._grant = grant
        self._granted = frozenset(map(parse_destination, granted))
        self._outside = outside
        self._note = note
        self._clock = clock
        self._limits = limits or Limits()
        rate = self._limits.bytes_per_s
        self._bytes = None if rate is None else Bucket(rate, clock)
        self._slots = asyncio.Semaphore(self._limits.connections)
        self._open: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen; a socket left by an earlier life is replaced."""
        self._listener = _listen(self._grant, self._limits.connections)
        self._accepting = asyncio.create_task(self._accept(self._listener), name=f"egress of {self._service}")

    async def close(self) -> None:
        """End every connection and take the socket away."""
        tasks = [*self._open, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self._grant.socket.unlink(missing_ok=True)

    def status(self) -> dict[str, Any]:
        """Counters, and how many are open now."""
        now = self.counters
        return {
            "open": len(self._open), "made": now.made, "refused": now.refused, "failed": now.failed,
            "sent_bytes": now.sent_bytes, "received_bytes": now.received_bytes,
            "refusals": list(now.refusals),
        }  # fmt: skip

    async def _accept(self, listener: socket.socket) -> None:
        attempts = Bucket(self._limits.attempts_per_s, self._clock)
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                peer, _ = await loop.sock_accept(listener)
            except OSError as error:
                log.warning("egress of %s: a connection cannot be taken: %s", self._service, error)
                self._slots.release()
                await self._clock.sleep(REST_S)
                continue
            task = asyncio.create_task(self._serve(peer))
            self._open.add(task)
            task.add_done_callback(self._ended)
            await self._clock.sleep(attempts.take(1))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()):
            log.error("egress of %s: a defect of ours", self._service, exc_info=error)

    async def _serve(self, peer: socket.socket) -> None:
        record = Connection(new_id(self._clock.wall_ns()), self._service, self._clock.wall_ns(), "", 0)
        wire = ConnectWire()
        reader, writer = await asyncio.open_unix_connection(sock=peer, limit=STREAM_LIMIT_BYTES)
        try:
            destination = await self._wanted(peer, wire, reader)
            record = replace(record, host=destination.host, port=destination.port)
            address, outer = await reach(destination, self._outside, self._limits.connect_s)
            record = replace(record, address=address)
            await self._connected(record, wire, End(reader, writer), outer)
        except NotReachedError as failure:
            self._turn_away(record, failure, wire, writer)
        except (OSError, TimeoutError) as error:
            log.debug("egress of %s: it went before it asked: %s", self._service, error)
        finally:
            _let_go(writer)

    async def _wanted(self, peer: socket.socket, wire: ConnectWire, reader: asyncio.StreamReader) -> NetworkDestination:
        """Where it wants to go, which was granted."""
        try:
            check_caller(peer, self._grant)
            async with asyncio.timeout(self._limits.head_s):
                destination = parse_destination(await wire.read_target(reader))
        except EyespotError as error:
            raise NotReachedError("refused", error) from error
        except TimeoutError as error:
            late = invalid(f"No request came within {self._limits.head_s:g} s.", "Send CONNECT host:port.")
            raise NotReachedError("refused", late) from error
        if destination not in self._granted:
            raise _NotGrantedError(destination)
        return destination

    async def _connected(self, record: Connection, wire: ConnectWire, inner: End, outer: End) -> None:
        self.counters.made += 1
        begin_ns = self._clock.monotonic_ns()
        pump = Pump(inner, outer, self._clock, self._limits.idle_s, self.counters, self._bytes)
        outcome: Outcome = "closed"
        self._note(record)
        try:
            answer, early = wire.accept()
            inner.writer.write(answer)
            outcome = await pump.run(early)
        finally:
            done = replace(record, sent_bytes=pump.sent_bytes, received_bytes=pump.received_bytes, outcome=outcome)
            self._note(replace(done, duration_s=round(seconds(self._clock.monotonic_ns() - begin_ns), 3)))
            if outcome == "closed":
                outer.writer.transport.abort()  # what was not sent yet is no longer granted
            _let_go(outer.writer)

    def _turn_away(
        self, record: Connection, failure: NotReachedError, wire: ConnectWire, writer: asyncio.StreamWriter
    ) -> None:
        if isinstance(failure, _NotGrantedError):
            record = replace(record, host=failure.destination.host, port=failure.destination.port)
        if failure.outcome == "refused":
            self.counters.refused += 1
            where = "" if record.host in failure.why else f"{record.host}: "
            self.counters.refusals.append(f"{where}{failure.why}"[:200])
        else:
            self.counters.failed += 1
        self._note(replace(record, outcome=failure.outcome, why=failure.why[:300], address=failure.address))
        with contextlib.suppress(OSError):
            writer.write(wire.refuse(failure.error))


class _NotGrantedError(NotReachedError):
    def __init__(self, destination: NetworkDestination) -> None:
        error = EyespotError(
            Kind.FORBIDDEN, f"{destination} is not granted.", "It must be among permissions.network, and granted."
        )
        super().__init__("refused", error)
        self.destination = destination


def _let_go(writer: asyncio.StreamWriter) -> None:
    """Close once what was written is sent, and in any case soon: who does not read keeps nothing open."""
    writer.close()
    asyncio.get_running_loop().call_later(LINGER_S, writer.transport.abort)


def _listen(grant: Grant, backlog: int) -> socket.socket:
    """A listening socket that the grant's user can reach; who calls is checked at each connection."""
    path = grant.socket
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)
        with reachable(path) as short:
            listener.bind(short)
        let_reach(path, grant.uid)
        listener.listen(backlog)
    except BaseException:  # whatever happened, what was opened is closed; raised on
        listener.close()
        raise
    return listener
