"""What is said on a service's frames socket (SOCK_SEQPACKET, JSON), and who may say it: grants.

One connection is one view: the client sends one ``FramesRequest``; the answer is a ``FramesAnswer`` with the ring's
descriptor (SCM_RIGHTS), or a refusal ``{"error": {"kind", "what", "todo"}}`` and the end. After that one ``Tick`` comes
for every frame, and the client says nothing more: whatever else it sends ends the connection. A client that does not
read loses ticks. The connection ends when the view is not granted any more, or its ring is replaced: connect again.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from eyespot.contracts.view import ANY_CAMERA, NamedView, View
from eyespot.kernel.config import Settings

DOOR_VERSION = 1
MAX_REQUEST_BYTES = 1024
MAX_ANSWER_BYTES = 8192
MAX_VIEWS = 8
"""Most views of one service."""
MAX_SERVICES = 64


class FramesRequest(Settings):
    """The one message of a client."""

    v: Literal[1] = 1
    view: str = Field(min_length=1, max_length=64)
    """The name under which the view is granted."""


class FramesAnswer(Settings):
    """The answer to it; the ring's read-only descriptor comes along."""

    v: Literal[1] = 1
    view: View
    """What is shown, labels included."""
    slots: int
    """Of the ring."""


class Tick(Settings):
    """A frame is whole in the ring."""

    seq: int
    slot: int


class Grant(Settings):
    """What one service may see, and how it is told from others."""

    uid: int = Field(ge=0, lt=1 << 32)
    """The user of the process that connects, as this machine's own user namespace knows it."""
    pid_namespace: int | None = None
    """Inode number of the pid namespace of the process that connects; none: not looked at."""
    socket: Path
    """Where its socket is made; the folder exists already."""
    views: tuple[NamedView, ...] = Field(default=(), max_length=MAX_VIEWS)
    """Its views, each of a definite camera."""

    @model_validator(mode="after")
    def _definite(self) -> "Grant":
        names = [view.name for view in self.views]
        if len(names) != len(set(names)):
            raise ValueError("two views have one name")
        if any(view.camera == ANY_CAMERA for view in self.views):
            raise ValueError("a granted view needs a definite camera")
        return self


class Grants(Settings):
    """``<state>/run/grants.json``: written by whoever decides (by renaming), read by the frames process."""

    v: Literal[1] = 1
    services: dict[str, Grant] = Field(default_factory=dict, max_length=MAX_SERVICES)
    """By the service's name."""
