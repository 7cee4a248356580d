"""How the listener of a service's filter comes to the host.

Out of bubblewrap: over a pair of sockets, from ``telling_launcher`` inside. From an OCI runtime: over a socket that its
document names (``linux.seccomp.listenerPath``), which podman passes on from the profile.

Source: config-linux.md of the OCI runtime specification 1.1, "seccomp listener".
"""

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.services.engines.notification import kernel_notifies
from eyespot.edge.services.engines.runtime import LIB, inside_python
from eyespot.edge.services.engines.seccomp_bpf import program

LAUNCHER = f"{LIB}/eyespot/edge/services/engines/telling_launcher.py"
"""Inside."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What one start needs so that refusals are told; all empty where the kernel cannot tell them.

    Args:
        source: where the listener will come from; closed with ``ours``.
        given: descriptors that bubblewrap inherits.
        launcher: words in front of the service's command.
    """

    source: socket.socket | None = None
    given: tuple[int, ...] = ()
    launcher: tuple[str, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether refusals are left to a listener."""
        return self.source is not None


def offer(machine: str, ours: ExitStack, theirs: ExitStack) -> Handover:
    """The two ends, closed with ``ours`` and ``theirs``; the programs for ``machine`` lie in the launcher's already."""
    if not kernel_notifies():
        return Handover()
    source, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.callback(source.close)
    theirs.callback(end.close)
    for telling in (True, False):
        source.send(program(machine, telling=telling))
    words = (inside_python(), "-I", "-S", LAUNCHER, str(end.fileno()))
    return Handover(source, (end.fileno(),), words)


def listening(path: Path) -> socket.socket:
    """A socket at ``path``, in a folder that nobody else may enter, for one runtime to connect to."""
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        listener.listen(1)
    except BaseException:  # whatever happened, what was opened is closed; raised on
        listener.close()
        raise
    return listener
