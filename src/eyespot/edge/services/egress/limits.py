"""What one service may do at its proxy, and what it has done."""

from collections import deque
from dataclasses import dataclass, field

from eyespot.edge.config_parts import ServicesSettings

KEPT_REFUSALS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one service's proxy. What is above the first two waits in the service's own socket."""

    connections: int = 16
    """At once, those that still ask included."""
    attempts_per_s: float = 10.0
    head_s: float = 5.0
    """Patience with a client that does not finish its request."""
    connect_s: float = 10.0
    """Patience with name servers, and then with the other end, all its addresses together."""
    idle_s: float = 300.0
    """A connection on which neither end says anything is ended after so long."""
    bytes_per_s: float | None = None
    """Both ways and all connections together; None: as fast as it goes."""


def limits_of(settings: ServicesSettings) -> Limits:
    """The limits with what the owner set."""
    kb_per_s = settings.network_kb_per_s
    return Limits(bytes_per_s=None if kb_per_s is None else kb_per_s * 1024)


@dataclass(slots=True)
class Counters:
    """Since the service is kept."""

    made: int = 0
    refused: int = 0
    failed: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    refusals: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_REFUSALS))
    """The last ones: where to, and why not."""
