"""Ends the containers of a host that has died: ``python -m eyespot.edge.services.engines.keeper OWNER``.

podman's containers outlive whoever started them. This process waits for the end of its standard input, which comes
with the end of the host however that ended, and removes what carries the host's label. It is a small process of its
own because nothing within the host can act after its death. Also used as a function, to remove what an earlier life
has left.
"""

import os
import signal
import subprocess
import sys

from eyespot.edge.services.engines.images import PODMAN_ENV
from eyespot.edge.services.engines.podman import OWNER_LABEL, container_name


def remove_containers(owner: str) -> None:
    """Kill and remove every container of ``owner``."""
    label = f"label={OWNER_LABEL}={owner}"
    listed = subprocess.run(
        ["podman", "ps", "--all", "--quiet", "--filter", label], capture_output=True, text=True, env=PODMAN_ENV
    )
    found = listed.stdout.split()
    if found:
        subprocess.run(["podman", "rm", "--force", "--time", "0", *found], capture_output=True, env=PODMAN_ENV)


def remove_container(owner: str, name: str) -> None:
    """Kill and remove the container of service ``name`` of ``owner``, if there is one."""
    which = container_name(owner, name)
    subprocess.run(["podman", "rm", "--force", "--ignore", "--time", "0", which], capture_output=True, env=PODMAN_ENV)


def main(owner: str) -> None:
    """Wait for the end of the input, then remove."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the host's end is what counts, and it is told by the input alone
    while os.read(sys.stdin.fileno(), 4096):
        pass
    remove_containers(owner)


if __name__ == "__main__":
    main(sys.argv[1])
