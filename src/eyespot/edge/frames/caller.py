"""Who is at the other end of a Unix socket, as the kernel tells it (user, pid namespace), never as it says."""

import os
import select
import socket
import struct

from eyespot.contracts.frames_door import Grant
from eyespot.kernel.errors import EyespotError, Kind

_CREDENTIALS = struct.Struct("iII")
_SO_PEERPIDFD = 77
"""asm-generic/socket.h, Linux 6.5: a descriptor of the process that connected. Python does not name it."""


def check_caller(peer: socket.socket, grant: Grant) -> None:
    """Raise ``FORBIDDEN`` unless the process that connected runs as the grant's user, in its pid namespace.

    The namespace is read by pid. Where the kernel can (Linux 6.5), it is made sure that the pid was not passed on to
    another process meanwhile: the process must still be alive after the look.
    """
    pid, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    if uid != grant.uid:
        raise EyespotError(Kind.FORBIDDEN, f"User {uid} may not see these views.", "Connect as the service itself.")
    if grant.pid_namespace is not None and _pid_namespace(peer, pid) != grant.pid_namespace:
        raise EyespotError(
            Kind.FORBIDDEN, "A process outside of the service may not see its views.", "Connect from within it."
        )


def _pid_namespace(peer: socket.socket, pid: int) -> int | None:
    """Inode of the pid namespace of the process that connected; None when that is not known for sure."""
    try:
        process = peer.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError:
        process = -1
    try:
        found = os.stat(f"/proc/{pid}/ns/pid").st_ino
        if process >= 0 and select.select([process], [], [], 0)[0]:
            return None
        return found
    except (OSError, ValueError):
        return None
    finally:
        if process >= 0:
            os.close(process)
