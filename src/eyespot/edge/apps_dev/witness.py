"""A bus that remembers the tracks that went over it, and counts what a service was to hear."""

from collections import deque
from collections.abc import Collection

from eyespot.bus.contract import Bus, Handler, MatchingHandler, Subscription
from eyespot.contracts.track import TracksMessage

MAX_REMEMBERED = 100_000


class Witness:
    """A ``Bus`` in front of ``bus``.

    Args:
        subjects: what the service listens to.
        tracks_on: the subject of tracks that are remembered.

    Attributes:
        said: messages that were published on ``subjects``.
        tracks: the newest, oldest first.
    """

    def __init__(self, bus: Bus, subjects: Collection[str], tracks_on: str) -> None:
        self._bus = bus
        self._subjects = subjects
        self._tracks_on = tracks_on
        self.said = 0
        self.tracks: deque[TracksMessage] = deque(maxlen=MAX_REMEMBERED)

    async def publish(self, subject: str, payload: bytes) -> None:
        """See ``Bus``."""
        if subject == self._tracks_on:
            self.tracks.append(TracksMessage.model_validate_json(payload))
        await self._bus.publish(subject, payload)
        self.said += subject in self._subjects

    def subscribe(self, subject: str) -> Subscription:
        """See ``Bus``."""
        return self._bus.subscribe(subject)

    async def request(self, subject: str, payload: bytes, timeout_s: float = 2.0) -> bytes:
        """See ``Bus``."""
        return await self._bus.request(subject, payload, timeout_s)

    async def serve(self, subject: str, handler: Handler) -> None:
        """See ``Bus``."""
        await self._bus.serve(subject, handler)

    async def serve_matching(self, subject: str, handler: MatchingHandler) -> None:
        """See ``Bus``."""
        await self._bus.serve_matching(subject, handler)

    async def close(self) -> None:
        """See ``Bus``."""
        await self._bus.close()
