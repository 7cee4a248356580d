"""Notifications of a system call filter: the kernel's structures, received and answered one at a time.

A call that the filter leaves to its listener stands still until it is answered, its caller is killed, or the listener
is closed (the kernel then answers ENOSYS). Nothing here ever lets a call go on.

Sources: seccomp_unotify(2), linux/seccomp.h.
"""

import fcntl
import select
import struct
from dataclasses import dataclass
from pathlib import Path

ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
"""SECCOMP_IOCTL_NOTIF_RECV and SECCOMP_IOCTL_NOTIF_SEND."""
_NOTIFICATION, _ARGUMENT_AT = struct.Struct("<QIIi"), 32
"""The beginning of ``struct seccomp_notif``: id, pid, flags and the call's number; where its first argument is."""
_RESPONSE = struct.Struct("<QqiI")
"""``struct seccomp_notif_resp``: id, value, error, flags."""
_ROOM_BYTES = 256
"""More than the structure has now (80 bytes): a kernel where it grew must not write past the end."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A call that waits: its id, its number, and its first argument (64 bits)."""

    id: int
    number: int
    argument: int


def kernel_notifies(actions: Path = ACTIONS) -> bool:
    """Whether this kernel's filters can leave a call to a listener (Linux 5.0)."""
    try:
        return "user_notif" in actions.read_text(encoding="ascii").split()
    except OSError:
        return False


def is_waiting(listener: int) -> bool:
    """Whether a call waits for an answer now."""
    return bool(_look(listener) & select.POLLIN)


def is_over(listener: int) -> bool:
    """Whether nobody is left who could make a call (told from Linux 5.9 on)."""
    return bool(_look(listener) & (select.POLLHUP | select.POLLERR | select.POLLNVAL))


def receive(listener: int) -> Notification | None:
    """The next call that waits; None when its caller has gone. To be asked only while one ``is_waiting``."""
    room = bytearray(_ROOM_BYTES)
    try:
        fcntl.ioctl(listener, _RECEIVE, room)
    except OSError:  # ENOENT: killed, or called away by a signal, before we looked
        return None
    number = _NOTIFICATION.unpack_from(room)
    (argument,) = struct.unpack_from("<Q", room, _ARGUMENT_AT)
    return Notification(number[0], number[3] & 0xFFFFFFFF, argument)


def refuse(listener: int, notification: Notification, error: int) -> None:
    """Answer a call with ``error`` (an errno, above 0); a caller that has gone meanwhile needs none.

    Raises ``ValueError`` for 0, which would be success.
    """
    if error <= 0:
        raise ValueError("a refusal needs an error")
    try:
        fcntl.ioctl(listener, _SEND, _RESPONSE.pack(notification.id, 0, -error, 0))
    except OSError:  # ENOENT, as above
        return


def _look(listener: int) -> int:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return next((events for _, events in poll.poll(0)), 0)
