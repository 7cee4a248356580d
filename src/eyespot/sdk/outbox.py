"""What a service says on the bus, in order, kept for a while when the bus is away."""

from eyespot.bus.contract import MAX_PENDING_MESSAGES
from eyespot.bus.nats import NatsBus
from eyespot.kernel.clock import Clock
from eyespot.kernel.queues import DroppingQueue

AGAIN_S = 0.25


class Outbox:
    """A bounded queue in front of ``bus``; when it is full the oldest goes, counted.

    A message that was handed to a connection which then breaks may be lost: the bus delivers at most once.
    """

    def __init__(self, bus: NatsBus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._queue: DroppingQueue[tuple[str, bytes]] = DroppingQueue(MAX_PENDING_MESSAGES)
        self._sending = False

    @property
    def dropped(self) -> int:
        """Messages lost because the bus was away for too long."""
        return self._queue.stats.dropped

    @property
    def waiting(self) -> int:
        """Messages that are not sent yet."""
        return len(self._queue) + self._sending

    def put(self, subject: str, payload: bytes) -> None:
        """Send ``payload`` when its turn comes; never waits."""
        self._queue.put((subject, payload))

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            subject, payload = await self._queue.get()
            self._sending = True
            while not await self._sent(subject, payload):
                await self._clock.sleep(AGAIN_S)
            self._sending = False

    async def _sent(self, subject: str, payload: bytes) -> bool:
        before = self._bus.dropped
        await self._bus.publish(subject, payload)
        return self._bus.dropped == before
