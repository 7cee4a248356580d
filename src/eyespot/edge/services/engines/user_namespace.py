"""A user namespace in which one user exists: the service's own. For hosts that run as root.

A short-lived child makes it, this process says who is mapped, and the open file keeps it: no privileged helper, no
/etc/subuid. Source: user_namespaces(7).
"""

import os
import subprocess

from eyespot.edge.services.engines.contract import INSIDE_UID
from eyespot.kernel.errors import unavailable


def make(host_uid: int) -> int:
    """An open file of a new user namespace where ``INSIDE_UID`` is ``host_uid`` outside; the caller closes it.

    Raises ``UNAVAILABLE`` when the kernel allows no user namespaces.
    """
    with subprocess.Popen(
        ["unshare", "--user", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(b"\n")
            child.stdin.flush()
            if child.stdout.read(1) != b"\n":  # an echo means that the namespace is there
                raise unavailable("This kernel makes no user namespace.", "Raise user.max_user_namespaces (sysctl).")
            for kind in ("uid", "gid"):
                with open(f"/proc/{child.pid}/{kind}_map", "w", encoding="ascii") as file:
                    file.write(f"{INSIDE_UID} {host_uid} 1\n")
            return os.open(f"/proc/{child.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise unavailable(f"A user namespace cannot be set up: {error.strerror}.") from error
        finally:
            child.kill()
