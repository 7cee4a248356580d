"""Which settings take effect only when the host starts. Pure; the processes themselves are what makes it true."""

from eyespot.edge.config import CameraHostConfig

AT_START = ("web", "storage", "vision", "inference")
"""Sections that are read once, at the start: they open sockets, disks and inference lanes."""


def waiting_for_restart(started: CameraHostConfig, now: CameraHostConfig) -> list[str]:
    """The keys, such as ``web.port``, that ``now`` wants other than the host ``started`` with: not in force yet."""
    return [
        f"{section}.{key}"
        for section in AT_START
        for key in type(getattr(now, section)).model_fields
        if getattr(getattr(now, section), key) != getattr(getattr(started, section), key)
    ]
