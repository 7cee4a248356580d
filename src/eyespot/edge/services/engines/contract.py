"""What every engine does: takes a prepared ``Launch``, gives back a ``Running``.

An engine decides nothing about a service: what it may see and which sockets it finds was decided by who prepared the
launch. It confines, counts and ends it. Engines differ in how well they confine, never in what a service finds
(docs/design/services.md).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from eyespot.edge.services.engines.log_tail import LogTail

INSIDE_UID = 10_001
"""User and group of a service as it sees itself."""
APP, SCRATCH, RUN = "/app", "/scratch", "/run/eyespot"
"""Where a confined service finds its code, its storage and its sockets."""

Breach = Literal["memory", "pids", "cpu", "log"]
"""A budget that was reached: kills for memory, refused forks, throttled periods (mostly of 100 ms), bytes of log
dropped.
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a service may use up; enforced where the kernel can, see ``Running.enforced``."""

    cpu: float
    """Processor cores."""
    memory_mb: int
    """2^20 bytes, everything that is charged to it: heap, shared memory, page cache it caused."""
    disk_mb: int
    """Size of its storage in 2^20 bytes, what the file system itself needs included."""
    pids: int = 64
    """Processes and threads at once."""
    log_kb_per_min: int = 64
    """2^10 bytes of output a minute; what is above is dropped and counted."""
    disk_mb_per_s: float = 4.0
    """2^20 bytes a second written to its storage; what is above waits. See ``disk_rate`` for what follows from it."""


@dataclass(frozen=True, slots=True)
class UidRange:
    """Users of the host that belong to one service alone."""

    first: int
    count: int = 65_536

    @property
    def host_uid(self) -> int:
        """The user (and group) that SO_PEERCRED shows for the service where the host runs as root."""
        return self.first + INSIDE_UID


@dataclass(frozen=True, slots=True)
class InlineContext:
    """What a trusted service gets when it runs in a thread of this process."""

    code: Path
    scratch: Path
    run: Path
    env: Mapping[str, str]
    stop: threading.Event
    """Set when it shall end."""
    log: Callable[[str], None]


Entry = Callable[[InlineContext], int]
"""A trusted service as a function: runs until ``stop`` is set, returns its exit status."""


@dataclass(frozen=True, slots=True)
class Image:
    """An OCI image that a service is, pinned.

    Attributes:
        config: digest of its configuration (``sha256:…``): podman's id of it.
        layers: digests of its layers before compression, the lowest first.
        archive: where it is kept, an OCI archive with this image alone.
        archive_sha256: of that file, hex.
    """

    config: str
    layers: tuple[str, ...]
    archive: Path
    archive_sha256: str


@dataclass(frozen=True, slots=True)
class Launch:
    """One prepared start."""

    name: str
    """Slug, unique on this host."""
    command: tuple[str, ...]
    """Starts with ``python3``, ``node`` or a path below ``/app``; seen from inside. In an image: anything it holds."""
    code: Path
    """Folder, mounted read-only at ``/app``."""
    scratch: Path
    """Folder that holds the service's storage; the engine decides how, see ``scratch``. Kept across starts."""
    run: Path
    """Folder of sockets, mounted read-only at ``/run/eyespot``."""
    budget: Budget
    uids: UidRange
    env: Mapping[str, str] = field(default_factory=dict)
    entry: Entry | None = None
    """For the inline engine, which starts no command."""
    image: Image | None = None
    """What it runs on and in, in place of ``code`` and of what this host has; for the container engine alone."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an engine works here; ``todo`` says what to do when it does not."""

    works: bool
    what: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the kernel says about the other end of a service's sockets."""

    pid: int
    """The service's first process, as this host sees it."""
    uid: int
    """What SO_PEERCRED shows."""
    pid_namespace: int
    """Inode of its pid namespace: ``/proc/<peer pid>/ns/pid``.

    Every process of the service is in it, and nobody else.
    """


@dataclass(frozen=True, slots=True)
class Usage:
    """What a service uses now."""

    cpu_s: float
    """Processor time since its start."""
    memory_bytes: int
    pids: int


@dataclass(frozen=True, slots=True)
class KernelRefusals:
    """System calls that the kernel refused a service in this life, as the filter's listener counted them."""

    told: bool = False
    """Whether all that is refused is counted; without a listener nothing is."""
    by_call: Mapping[str, int] = field(default_factory=dict)
    """``mount``, ``socket(AF_INET)``, … → how often. The kinds are named in ``refusal``, so there are not many."""
    held_up: int = 0
    """How often it was made to wait because it made more such calls than are answered in a second."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a service ended: its exit status, or 128 + the signal that killed it."""

    status: int
    out_of_memory: bool = False

    @property
    def text(self) -> str:
        """In words: ``status 1``, ``signal 9``, ``out of memory``."""
        if self.out_of_memory:
            return "out of memory"
        return f"signal {self.status - 128}" if 128 < self.status <= 192 else f"status {self.status}"


class Running(Protocol):
    """A service that was started; it ends by itself, by ``stop``, by ``kill`` or with the process that started it."""

    identity: Identity
    logs: LogTail
    enforced: Mapping[str, str]
    """Budget → by what it is enforced here (``cgroup v1``, ``rlimit``, ``file system``, …); a budget that is not is
    left out.
    """

    def usage(self) -> Usage:
        """What it uses now; zeros when it has ended."""

    def breaches(self) -> dict[Breach, int]:
        """How often each budget was reached since the start; only what is not zero."""

    def refusals(self) -> KernelRefusals:
        """What the kernel refused it since the start."""

    async def wait(self) -> Ended:
        """Wait for its end. May be called by several at once, and again."""

    async def stop(self, grace_s: float) -> Ended:
        """Ask it to end (SIGTERM), kill it after ``grace_s``; returns when nothing of it is left."""

    async def kill(self) -> Ended:
        """End it at once; returns when nothing of it is left."""


class Engine(Protocol):
    """A way to host services."""

    name: str

    async def available(self) -> Availability:
        """Whether it works here, by trying; the answer is remembered."""

    async def start(self, launch: Launch) -> Running:
        """Start a service; raises ``UNAVAILABLE`` when the engine does not work here, ``INVALID`` for an unusable
        launch.
        """

    def close(self) -> None:
        """The host ends: give back what the engine holds; containers that still run are ended. May take a second."""
