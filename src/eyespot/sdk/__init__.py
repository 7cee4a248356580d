"""What the author of a service imports: frames, and what else a service needs of its camera.

Owns the service's end of every socket, nothing of how a camera works: it imports contracts, kernel and bus alone, so
that it fits into any container. Called by services, built-in and third parties' alike, and by ``edge`` to host them.
"""

from eyespot.sdk.service import Service

__all__ = ["Service"]
