"""The bus over NATS: one authenticated connection that reconnects for ever."""

import asyncio
import json
import logging
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import eyespot.bus.lean  # noqa: F401 isort: skip - before the client
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError, OutboundBufferLimitError

from eyespot.bus.access import inbox_of_role, inbox_of_service, process_name
from eyespot.bus.contract import (
    MAX_PAYLOAD_BYTES,
    MAX_PENDING_MESSAGES,
    Handler,
    MatchingHandler,
    Message,
    Subscription,
)
from eyespot.bus.discovery import About, Answer, Discovery, Endpoint
from eyespot.bus.errors import error_document, raise_document
from eyespot.bus.server import read_access
from eyespot.bus.unix import over_unix
from eyespot.contracts.status import Role
from eyespot.kernel.clock import Clock, SystemClock
from eyespot.kernel.errors import EyespotError, Kind, unavailable
from eyespot.kernel.ids import new_id
from eyespot.kernel.queues import DroppingQueue

log = logging.getLogger(__name__)

_ERROR_HEADER = "Eyespot-Error"


async def connect(run_dir: Path, role: Role, *, wait_s: float = 20.0, clock: Clock | None = None) -> "NatsBus":
    """Join the bus whose server was prepared in ``run_dir``, as ``role``; raises ``UNAVAILABLE`` after ``wait_s``.

    The process then answers the NATS Services API as ``eyespot-<role>``.
    """
    access = read_access(run_dir, role)
    client = Client()
    more = {"servers": [access.url], "nkeys_seed_str": access.seed, "name": role}
    await _join(client, {**more, "inbox_prefix": inbox_of_role(role).encode()}, wait_s)
    bus = NatsBus(client, clock or SystemClock())
    if role != "operator":
        instance = new_id(bus.clock.wall_ns())
        await bus.announce(About(process_name(role), version("eyespot"), instance, f"The {role} process of a host."))
    return bus


async def join(socket: Path, about: About, *, wait_s: float = 20.0, clock: Clock | None = None) -> "NatsBus":
    """Join the bus as a service, through the relay's Unix ``socket``; it needs no key. Raises ``UNAVAILABLE``."""
    client = over_unix(socket)
    options = {"servers": ["nats://relay:1"], "name": about.name}
    await _join(client, {**options, "inbox_prefix": inbox_of_service(about.name).encode()}, wait_s)
    bus = NatsBus(client, clock or SystemClock())
    await bus.announce(about)
    return bus


async def _join(client: Client, options: dict[str, Any], wait_s: float) -> None:
    async def on_error(error: Exception) -> None:
        log.log(logging.DEBUG if isinstance(error, ConnectionRefusedError) else logging.WARNING, "bus: %s", error)

    shared: dict[str, Any] = {
        "allow_reconnect": True,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.25,
        "ping_interval": 20,
        "pending_size": 4 * MAX_PAYLOAD_BYTES,
        "error_cb": on_error,
    }
    try:
        await asyncio.wait_for(client.connect(**shared, **options), wait_s)
    except (OSError, NatsError, TimeoutError) as error:
        await _abandon(client)
        raise unavailable(f"The bus does not answer ({error or 'no answer'}).", "See run/nats.log.") from error


class NatsBus:
    """One connection; see ``contract.Bus``."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self.clock = clock
        self._client = client
        self._subscriptions: list[_NatsSubscription] = []
        self._endpoints: list[Endpoint] = []
        self.dropped = 0

    async def publish(self, subject: str, payload: bytes) -> None:
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise _too_large(payload)
        if not self._client.is_connected:
            self.dropped += 1
            return
        try:
            await self._client.publish(subject, payload)
        except (NatsError, OutboundBufferLimitError, OSError):
            self.dropped += 1

    def subscribe(self, subject: str) -> Subscription:
        subscription = _NatsSubscription(self._client, subject)
        self._subscriptions.append(subscription)
        return subscription

    async def request(self, subject: str, payload: bytes, timeout_s: float = 2.0) -> bytes:
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise _too_large(payload)
        try:
            answer = await self._client.request(subject, payload, timeout=timeout_s)
        except (NoRespondersError, NatsError, TimeoutError, OSError) as error:
            raise unavailable(f"Nobody answers {subject}.", "Wait until that process is up again.") from error
        if answer.headers and _ERROR_HEADER in answer.headers:
            raise_document(answer.data)
        return answer.data

    async def serve(self, subject: str, handler: Handler) -> None:
        await self.serve_matching(subject, lambda message: handler(message.data))

    async def serve_matching(self, subject: str, handler: MatchingHandler) -> None:
        endpoint = Endpoint(subject)
        self._endpoints.append(endpoint)

        async def answer(message: Msg) -> None:
            begin_ns, failed = self.clock.monotonic_ns(), ""
            try:
                await message.respond(await handler(Message(message.subject, message.data)))
            except EyespotError as error:
                failed = str(error)
                reply = json.dumps(error_document(error)).encode()
                await self._client.publish(message.reply, reply, headers={_ERROR_HEADER: "1"})
            except Exception as error:  # a handler's defect must not end the subscription that serves everyone
                failed = type(error).__name__
                log.exception("handler of %s failed", subject)
            endpoint.note(self.clock.monotonic_ns() - begin_ns, failed)

        await self._client.subscribe(subject, cb=answer, pending_msgs_limit=MAX_PENDING_MESSAGES)
        await _settle(self._client)

    async def announce(self, about: About) -> None:
        """Answer the NATS Services API as ``about``, with everything that ``serve`` serves."""

        async def serve(subject: str, answer: Answer) -> None:
            async def reply(message: Msg) -> None:
                if message.reply:
                    await message.respond(answer())

            await self._client.subscribe(subject, cb=reply, pending_msgs_limit=MAX_PENDING_MESSAGES)

        await Discovery(about, self.clock, self._endpoints).open(serve)
        await _settle(self._client)

    async def close(self) -> None:
        for subscription in self._subscriptions:
            await subscription.close()
        await _abandon(self._client)


class _NatsSubscription:
    """Messages pushed by the client into a bounded queue."""

    def __init__(self, client: Client, subject: str) -> None:
        self._queue: DroppingQueue[Message | None] = DroppingQueue(MAX_PENDING_MESSAGES)
        self._client = client
        self._closed = False
        self._start = asyncio.ensure_future(self._open(subject))

    @property
    def dropped(self) -> int:
        return self._queue.stats.dropped

    async def ready(self) -> None:
        await asyncio.shield(self._start)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        unsubscribe = await asyncio.shield(self._start)
        if not self._client.is_closed:
            await unsubscribe()

    def __aiter__(self) -> "_NatsSubscription":
        return self

    async def __anext__(self) -> Message:
        if not self._start.done():
            await self.ready()
        message = await self._queue.get()
        if message is None or self._closed:
            raise StopAsyncIteration
        return message

    async def _open(self, subject: str) -> Callable[[], Any]:
        async def receive(message: Msg) -> None:
            self._queue.put(Message(message.subject, message.data))

        subscription = await self._client.subscribe(subject, cb=receive)
        await _settle(self._client)
        return subscription.unsubscribe


async def _settle(client: Client) -> None:
    """Return once the server has seen all that was sent: nats-py's first ping may overtake what is still buffered."""
    await client.flush()
    await client.flush()


async def _abandon(client: Client) -> None:
    """Close ``client`` whatever state it is in."""
    try:
        await client.close()
    except (NatsError, OSError):
        log.debug("bus connection closed uncleanly", exc_info=True)


def _too_large(payload: bytes) -> EyespotError:
    return EyespotError(Kind.TOO_LARGE, f"A bus message of {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} fit.")


__all__ = ["NatsBus", "connect", "join"]
