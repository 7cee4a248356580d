"""What a bus is: at-most-once messages on subjects, and requests with one answer.

A message is lost when nobody listens or a listener is too slow; whatever must not be lost is stored before it is
published. Implementations: ``nats.NatsBus`` and ``eyespot.testing.memory_bus.MemoryBus``; one suite tests both.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

MAX_PAYLOAD_BYTES = 1 << 20
MAX_PENDING_MESSAGES = 512

Handler = Callable[[bytes], Awaitable[bytes]]
"""Answers a request; an ``EyespotError`` it raises is raised again at the caller."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as received."""

    subject: str
    data: bytes


MatchingHandler = Callable[[Message], Awaitable[bytes]]
"""As ``Handler``, told the subject too."""


class Subscription(Protocol):
    """Messages of one subject from the moment of subscribing; the oldest go when the reader is slow, counted."""

    def __aiter__(self) -> AsyncIterator[Message]: ...

    async def __anext__(self) -> Message: ...

    @property
    def dropped(self) -> int:
        """Messages lost because the reader was too slow."""
        ...

    async def ready(self) -> None:
        """Return once the bus delivers to this subscription."""
        ...

    async def close(self) -> None:
        """End the subscription; a running iteration ends."""
        ...


class Bus(Protocol):
    """One process's connection to the bus."""

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send ``payload`` (at most ``MAX_PAYLOAD_BYTES``, else ``TOO_LARGE``) to all who listen.

        While the bus is away the message is dropped and counted; never raises for that, never waits for it.
        """
        ...

    def subscribe(self, subject: str) -> Subscription:
        """Listen to ``subject``; ``*`` stands for one part of it, a final ``>`` for all that follow."""
        ...

    async def request(self, subject: str, payload: bytes, timeout_s: float = 2.0) -> bytes:
        """The answer of whoever serves ``subject``; raises what the handler raised, ``UNAVAILABLE`` without answer."""
        ...

    async def serve(self, subject: str, handler: Handler) -> None:
        """Answer requests on ``subject`` until the bus is closed; requests of one subject are answered in turn."""
        ...

    async def serve_matching(self, subject: str, handler: MatchingHandler) -> None:
        """As ``serve``, for a ``subject`` with ``*`` for some of its parts; all requests are answered in turn."""
        ...

    async def close(self) -> None:
        """Leave the bus; subscriptions end."""
        ...
