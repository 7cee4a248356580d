"""One connection that a service made or tried to make, as it is kept and shown."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["open", "ended", "idle", "closed", "refused", "failed", "interrupted"]
"""It goes on; either end ended it; it said nothing for too long; we ended it (the service ended, or its grant was taken
back); it was not granted; the other end could not be reached; this process ended before it did.
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """Attributes:
    id: sorts by time, see ``kernel.ids.new_id``.
    host: what the service asked for, and ``port``; 0 where its request did not parse.
    address: the IP address that was connected to; empty where it did not come to that.
    sent_bytes: from the service to the other end.
    why: in words, where it was refused or failed.
    """

    id: str
    service: str
    wall_ns: int
    host: str
    port: int
    address: str = ""
    sent_bytes: int = 0
    received_bytes: int = 0
    duration_s: float = 0.0
    outcome: Outcome = "open"
    why: str = ""
