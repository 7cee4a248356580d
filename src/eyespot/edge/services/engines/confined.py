"""The part of a running service that every confined engine shares: its end, its output, and how it is told to go."""

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.services.engines.cgroup import Cgroup
from eyespot.edge.services.engines.contract import Breach, Ended, Identity, KernelRefusals, Usage
from eyespot.edge.services.engines.log_tail import LogTail
from eyespot.edge.services.engines.refusal_listener import RefusalListener

_READ_BYTES = 1 << 16
_LOOK_S = 0.002
KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Held:
    """What belongs to a started service until its end.

    Args:
        process: the child whose end is the service's end.
        output: what the service says.
        first_fd: pidfd of the service's first process; None when it had ended before it was seen.
        root_fd: pidfd whose kill takes the whole pid namespace with it; None likewise.
        cgroup: where it is counted.
        oom_note: a file that is there when the kernel killed for memory, for engines whose cgroup may be gone too soon.
        release: called once when nothing of the service is left.
        listener: counts what the kernel refuses it; None where the kernel refuses without telling.
    """

    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    first_fd: int | None
    root_fd: int | None
    cgroup: Cgroup | None
    oom_note: Path | None
    release: Callable[[], None]
    listener: RefusalListener | None = None


class ConfinedRunning:
    """A ``Running`` over a child process and pidfds."""

    def __init__(self, identity: Identity, held: Held, logs: LogTail, enforced: Mapping[str, str]) -> None:
        self.identity = identity
        self.logs = logs
        self.enforced = enforced
        self._held = held
        self._breaches: dict[Breach, int] = {}
        self._end = asyncio.create_task(self._watch())

    def usage(self) -> Usage:
        """See ``contract.Running``."""
        if self._end.done():
            return Usage(0.0, 0, 0)
        if self._held.cgroup is not None:
            return self._held.cgroup.usage()
        return namespace_usage(self.identity.pid_namespace)

    def breaches(self) -> dict[Breach, int]:
        """See ``contract.Running``."""
        if not self._end.done():
            self._note_breaches()
        return self._breaches | ({"log": self.logs.dropped_bytes} if self.logs.dropped_bytes else {})

    def refusals(self) -> KernelRefusals:
        """See ``contract.Running``."""
        return KernelRefusals() if self._held.listener is None else self._held.listener.refusals()

    async def wait(self) -> Ended:
        """See ``contract.Running``."""
        return await asyncio.shield(self._end)

    async def stop(self, grace_s: float) -> Ended:
        """See ``contract.Running``."""
        self._signal(self._held.first_fd, signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), grace_s)
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> Ended:
        """See ``contract.Running``."""
        self._signal(self._held.root_fd, signal.SIGKILL)
        return await self.wait()

    def _signal(self, pidfd: int | None, number: signal.Signals) -> None:
        if pidfd is not None and not self._end.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, number)

    async def _watch(self) -> Ended:
        held = self._held
        output = asyncio.create_task(pump(held.output, self.logs))
        if held.root_fd is not None:
            await gone(held.root_fd)
        self._note_breaches()  # at once: whoever made the cgroup may soon remove it
        if held.listener is not None:
            held.listener.close()
        await output
        code = await held.process.wait()
        if held.oom_note is not None and held.oom_note.exists():
            self._breaches.setdefault("memory", 1)
        await asyncio.to_thread(held.release)
        for fd in (held.first_fd, held.root_fd):  # last: until then somebody may still signal what has ended
            if fd is not None:
                os.close(fd)
        status = code if code >= 0 else 128 - code
        return Ended(status, out_of_memory=status == KILLED and self._breaches.get("memory", 0) > 0)

    def _note_breaches(self) -> None:
        if self._held.cgroup is not None:
            self._breaches = self._held.cgroup.breaches()


async def pump(output: asyncio.StreamReader, logs: LogTail) -> None:
    """Read the output until its end, faster than anybody can fill it."""
    while data := await output.read(_READ_BYTES):
        logs.feed(data)
    logs.close()


async def gone(pidfd: int) -> None:
    """Wait until the process of ``pidfd`` has ended; for the first of a pid namespace, all others have by then."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)


async def first_child(root_pid: int, root_fd: int) -> tuple[int, int]:
    """The second process of a pid namespace, the service's first: the pid this host gave it, and a pidfd.

    When it has ended already, those of the namespace's first process.
    """
    while not select.select([root_fd], [], [], 0)[0]:
        try:
            children = Path(f"/proc/{root_pid}/task/{root_pid}/children").read_text(encoding="ascii").split()
            if children:
                return int(children[0]), os.pidfd_open(int(children[0]))
        except OSError:
            break
        await asyncio.sleep(_LOOK_S)
    return root_pid, os.dup(root_fd)


def namespace_of(pid: int) -> int:
    """Inode of the pid namespace of a process; raises ``OSError`` when it is gone."""
    return os.stat(f"/proc/{pid}/ns/pid").st_ino


def namespace_usage(pid_namespace: int) -> Usage:
    """What all processes of a pid namespace use, added up from /proc, for hosts without cgroups; costs a look at each
    process.
    """
    ticks, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    cpu_s, memory_bytes, threads = 0.0, 0, 0
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            if namespace_of(int(name)) != pid_namespace:
                continue
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            # proc_pid_stat(5): utime, stime, num_threads and rss are fields 14, 15, 20 and 24; the first two are cut
            # off
            cpu_s += (int(fields[11]) + int(fields[12])) / ticks
            threads += int(fields[17])
            memory_bytes += int(fields[21]) * page_bytes
    return Usage(cpu_s, memory_bytes, threads)
