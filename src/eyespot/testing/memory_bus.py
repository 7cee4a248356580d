"""A bus inside one process, for tests and for running several parts in one event loop."""

import asyncio
from typing import Any

from eyespot.bus.contract import (
    MAX_PAYLOAD_BYTES,
    MAX_PENDING_MESSAGES,
    Handler,
    MatchingHandler,
    Message,
    Subscription,
)
from eyespot.kernel.errors import EyespotError, Kind, unavailable
from eyespot.kernel.queues import DroppingQueue


class MemoryBus:
    """See ``eyespot.bus.contract.Bus``; delivers at once, in order."""

    def __init__(self) -> None:
        self._subscriptions: list[_MemorySubscription] = []
        self._handlers: dict[str, tuple[MatchingHandler, asyncio.Lock]] = {}
        self.published: list[Message] = []
        """The last thousand messages, for tests to look at."""

    async def publish(self, subject: str, payload: bytes) -> None:
        _check(payload)
        message = Message(subject, payload)
        self.published = [*self.published[-999:], message]
        for subscription in list(self._subscriptions):
            subscription.offer(message)
        await asyncio.sleep(0)

    def subscribe(self, subject: str) -> Subscription:
        subscription = _MemorySubscription(subject, self._subscriptions.remove)
        self._subscriptions.append(subscription)
        return subscription

    async def request(self, subject: str, payload: bytes, timeout_s: float = 2.0) -> bytes:
        _check(payload)
        parts = subject.split(".")
        found = [served for pattern, served in self._handlers.items() if _matches(pattern.split("."), parts)]
        if not found:
            raise unavailable(f"Nobody answers {subject}.", "Wait until that process is up again.")
        handler, lock = found[0]
        try:
            async with asyncio.timeout(timeout_s), lock:
                return await handler(Message(subject, payload))
        except TimeoutError as error:
            raise unavailable(f"Nobody answers {subject}.", "Wait until that process is up again.") from error

    async def serve(self, subject: str, handler: Handler) -> None:
        await self.serve_matching(subject, lambda message: handler(message.data))

    async def serve_matching(self, subject: str, handler: MatchingHandler) -> None:
        self._handlers[subject] = (handler, asyncio.Lock())

    async def close(self) -> None:
        self._handlers.clear()
        for subscription in list(self._subscriptions):
            await subscription.close()


class _MemorySubscription:
    def __init__(self, subject: str, leave: Any) -> None:
        self._pattern = subject.split(".")
        self._queue: DroppingQueue[Message | None] = DroppingQueue(MAX_PENDING_MESSAGES)
        self._leave = leave
        self._closed = False

    @property
    def dropped(self) -> int:
        return self._queue.stats.dropped

    async def ready(self) -> None:
        return

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._leave(self)
            self._queue.put(None)

    def offer(self, message: Message) -> None:
        if _matches(self._pattern, message.subject.split(".")):
            self._queue.put(message)

    def __aiter__(self) -> "_MemorySubscription":
        return self

    async def __anext__(self) -> Message:
        message = await self._queue.get()
        if message is None or self._closed:
            raise StopAsyncIteration
        return message


def _matches(pattern: list[str], subject: list[str]) -> bool:
    for index, part in enumerate(pattern):
        if part == ">":
            return len(subject) > index
        if index >= len(subject) or part not in ("*", subject[index]):
            return False
    return len(pattern) == len(subject)


def _check(payload: bytes) -> None:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise EyespotError(Kind.TOO_LARGE, f"A bus message of {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} fit.")
