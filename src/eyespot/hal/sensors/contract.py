"""What every sensor is: an asynchronous stream of units that starts with a format."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from eyespot.contracts.packet import Unit


class Sensor(Protocol):
    """One stream of one camera.

    A sensor does not reconnect: it raises, and ``media.ingest`` opens it again with back-off. It never decodes, and it
    encodes only what is not H.264 or H.265.
    """

    @property
    def name(self) -> str:
        """What it is, fit for a log line: kind and address, never credentials."""
        ...

    def units(self) -> AsyncIterator[Unit]:
        """Connect, then yield a ``StreamFormat`` and its packets in decode order, and again at every format change.

        Ends when the source ends. Raises ``UNAVAILABLE`` when the source cannot be reached or stalls, ``INVALID`` when
        it can never work (bad address, no video, unsupported codec), ``UNAUTHENTICATED`` when credentials are refused.
        Closing the iterator releases everything.
        """
        ...

    def counters(self) -> dict[str, Any]:
        """JSON-ready counters since the sensor was made: corrupt packets, repaired timestamps, lost packets."""
        ...
