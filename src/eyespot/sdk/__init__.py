"""What the author of a service imports: frames, tracks, and what else a service needs of its camera.

Owns the service's end of every socket, nothing of how a camera works: it imports contracts, kernel and bus alone, so
that it fits into any container. Called by services, built-in and third parties' alike, and by ``edge`` to host them.
"""

from eyespot.contracts.event import Event
from eyespot.contracts.track import Track, TracksMessage
from eyespot.contracts.zones import Zone
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, invalid, not_found
from eyespot.sdk.service import Service

__all__ = ["NS_PER_S", "Event", "EyespotError", "Service", "Track", "TracksMessage", "Zone", "invalid", "not_found"]
