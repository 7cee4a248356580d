"""How much of what was sent over a Unix socket its other end has not read yet."""

import array
import fcntl
import socket

_SIOCOUTQ = 0x5411
"""Of unix(7) sockets: bytes that the kernel keeps for the other end, its own bookkeeping counted."""


def unread_bytes(sent_on: socket.socket) -> int:
    """0 when the other end has read everything; 0 too for a socket that is closed."""
    held = array.array("i", [0])
    if sent_on.fileno() >= 0:
        fcntl.ioctl(sent_on.fileno(), _SIOCOUTQ, held)
    return held[0]
