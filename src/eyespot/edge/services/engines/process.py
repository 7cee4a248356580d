"""The process engine: bubblewrap around one service. No daemon, no image, a few milliseconds to start."""

import asyncio
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from eyespot.edge.services.engines import cgroup as cgroups
from eyespot.edge.services.engines import user_namespace
from eyespot.edge.services.engines.bubblewrap import GROUP, PASSWD, Descriptors, options, payload
from eyespot.edge.services.engines.confined import ConfinedRunning, Held, first_child
from eyespot.edge.services.engines.contract import Availability, Budget, Identity, Launch, UidRange
from eyespot.edge.services.engines.disk_rate import IDLE, limit_disks
from eyespot.edge.services.engines.handover import offer
from eyespot.edge.services.engines.launch_check import check
from eyespot.edge.services.engines.let_go import last_words, let_go
from eyespot.edge.services.engines.log_tail import LogTail
from eyespot.edge.services.engines.refusal_listener import RefusalListener
from eyespot.edge.services.engines.runtime import host_runtime
from eyespot.edge.services.engines.scratch import Scratch, opened
from eyespot.edge.services.engines.seccomp_bpf import program
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, unavailable

TOOLS = ("bwrap", "ionice", "prlimit", "setpriv", "unshare")
OVERHEAD_PIDS = 2
"""bubblewrap's watcher outside and its reaper inside."""
TRIAL_UIDS = UidRange(2_147_000_000)
_OOM_SCORE = b"500"
"""When the whole machine is out of memory, services go before the recorder."""
_PATH = "/usr/local/bin:/usr/bin:/bin"
_TODO = "Allow it user namespaces (sysctl, AppArmor, systemd's RestrictNamespaces), or run the host as root."


class ProcessEngine:
    """Runs services under bubblewrap."""

    name = "process"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answer: Availability | None = None

    async def available(self) -> Availability:
        """Starts a program that ends at once, the way services are started."""
        if self._answer is None:
            self._answer = await self._try()
        return self._answer

    async def start(self, launch: Launch) -> ConfinedRunning:
        """See ``contract.Engine``."""
        answer = await self.available()
        if not answer.works:
            raise unavailable(answer.what, answer.todo)
        return await self._start(launch)

    def close(self) -> None:
        """See ``contract.Engine``; there is nothing to give back."""

    async def _try(self) -> Availability:
        missing = [tool for tool in TOOLS if shutil.which(tool) is None]
        if missing:
            todo = "Install the Debian packages bubblewrap and util-linux, or what your system calls them."
            return Availability(False, f"{' and '.join(missing)} cannot be found.", todo)
        with tempfile.TemporaryDirectory(prefix="eyespot-trial-") as folder:
            code, run = Path(folder, "code"), Path(folder, "run")
            code.mkdir()
            run.mkdir()
            budget = Budget(cpu=1.0, memory_mb=64, disk_mb=0, pids=16)
            trial = Launch("trial", ("/usr/bin/true",), code, Path(folder, "scratch"), run, budget, TRIAL_UIDS)
            try:
                running = await self._start(trial)
                ended = await running.wait()
            except EyespotError as error:
                return Availability(False, error.what, error.todo)
        if ended.status:
            said = " ".join(running.logs.lines()[-2:]) or ended.text
            return Availability(False, f"bubblewrap does not work here: {said}.", _TODO)
        return Availability(True, _strength(running))

    async def _start(self, launch: Launch) -> ConfinedRunning:
        check(launch)
        scratch = await opened(launch.scratch, launch.budget.disk_mb, owner_uid(launch))
        group = cgroups.make(launch.name, self._clock.monotonic_ns(), launch.budget, OVERHEAD_PIDS)
        reads = (launch.code, Path("/usr"))
        try:
            disks = await asyncio.to_thread(limit_disks, group, scratch.where, reads, launch.budget.disk_mb_per_s)
            started = await self._spawn(launch, scratch, group)
        except BaseException:  # whatever ended it, nothing of it may stay mounted
            await asyncio.to_thread(_release, scratch, group)
            raise
        source, machine = started.source, os.uname().machine
        listener = None if source is None else RefusalListener(source, self._clock, machine)
        identity = Identity(started.first_pid, owner_uid(launch), started.pid_namespace)
        held = Held(
            started.process,
            started.output,
            started.first_fd,
            started.root_fd,
            group,
            None,
            partial(_release, scratch, group),
            listener,
        )
        logs = LogTail(launch.budget.log_kb_per_min, self._clock)
        return ConfinedRunning(identity, held, logs, enforced(group, scratch) | {"disk_rate": disks})

    async def _spawn(self, launch: Launch, scratch: Scratch, group: cgroups.Cgroup | None) -> "_Started":
        with ExitStack() as ours, ExitStack() as theirs:
            info, info_end = _pipe(ours, theirs)
            block_end, block = _pipe(theirs, ours)
            user = _keep(theirs, user_namespace.make(owner_uid(launch))) if os.geteuid() == 0 else None
            handover = offer(machine := os.uname().machine, ours, theirs)
            texts = (program(machine, telling=handover.tells), PASSWD.encode(), GROUP.encode())
            seccomp, passwd, groups = (_keep(theirs, _memory_file(text)) for text in texts)
            fds = Descriptors(seccomp, info_end, block_end, passwd, groups)
            words = options(launch, host_runtime(), scratch.where, fds, becoming=user is not None)
            told = _keep(theirs, _memory_file(b"".join(word.encode() + b"\0" for word in words)))
            joins = [_keep(theirs, fd) for fd in group.join_fds()] if group else []
            counted = group.enforced() if group else ()
            process = await asyncio.create_subprocess_exec(
                *(*IDLE, "bwrap", "--args", str(told), "--"),
                *payload(launch, becoming=user is not None, counted=counted, launcher=handover.launcher),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL if user is None else user,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[seccomp, passwd, groups, info_end, block_end, told, *handover.given],
                preexec_fn=_before_exec(joins),
                env={"PATH": _PATH},
            )
            theirs.close()
            try:
                started = await _started(process, info, block)
            except BaseException:  # whatever ended it, bubblewrap may not go on without us
                await let_go(process)
                raise
            return replace(started, source=handover.source.dup() if handover.source else None)


@dataclass(frozen=True, slots=True)
class _Started:
    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    first_pid: int
    pid_namespace: int
    first_fd: int
    root_fd: int
    source: socket.socket | None = None
    """Where the listener of its filter comes from."""


async def _started(process: asyncio.subprocess.Process, info: int, block: int) -> _Started:
    """Let bubblewrap go on, and find the service's first process; raises ``UNAVAILABLE`` with what bubblewrap said."""
    told = await asyncio.to_thread(_read_document, info)
    assert process.stderr is not None
    if not told:
        said = await last_words(process, process.stderr)
        raise unavailable(f"bubblewrap does not start: {said}.", _TODO)
    document = json.loads(told)
    root_pid = int(document["child-pid"])
    with ExitStack() as unless_started:
        root_fd = _keep(unless_started, os.pidfd_open(root_pid))
        os.write(block, b"\n")
        first_pid, first_fd = await first_child(root_pid, root_fd)
        unless_started.pop_all()
    return _Started(process, process.stderr, first_pid, int(document["pid-namespace"]), first_fd, root_fd)


def _read_document(fd: int) -> bytes:
    """One JSON object without nested ones, however it is cut into writes; less when the writer has ended."""
    told = b""
    while b"}" not in told and (part := os.read(fd, 4096)):
        told += part
    return told


def _release(scratch: Scratch, group: cgroups.Cgroup | None) -> None:
    if group is not None:
        group.remove()
    scratch.close()


def owner_uid(launch: Launch) -> int:
    """The host's user that the service runs as: its own as root, else ours."""
    return launch.uids.host_uid if os.geteuid() == 0 else os.geteuid()


def enforced(group: cgroups.Cgroup | None, scratch: Scratch) -> dict[str, str]:
    """Budget → by what it is enforced here."""
    by = {"memory": "rlimit of each process", "pids": "rlimit"} | (group.enforced() if group else {})
    return {**by, "disk": "file system"} if scratch.mounted else by


def _strength(running: ConfinedRunning) -> str:
    by = ", ".join(f"{budget} by {how}" for budget, how in sorted(running.enforced.items()))
    who = (
        "each service is a user of its own" if os.geteuid() == 0 else "services run as this user, under another number"
    )
    told = "counted" if running.refusals().told else "not counted"
    return f"bubblewrap works; {who}; budgets: {by}; what the kernel refuses is {told}."


def _keep(stack: ExitStack, fd: int) -> int:
    stack.callback(os.close, fd)
    return fd


def _pipe(read_end: ExitStack, write_end: ExitStack) -> tuple[int, int]:
    """A pipe whose ends are closed by different stacks."""
    reads, writes = os.pipe()
    return _keep(read_end, reads), _keep(write_end, writes)


def _memory_file(content: bytes) -> int:
    fd = os.memfd_create("eyespot", os.MFD_CLOEXEC)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _before_exec(joins: list[int]) -> Callable[[], None]:
    def join() -> None:
        """In the child before exec: into the cgroups, and first in line when the machine is out of memory."""
        for fd in joins:
            os.write(fd, b"0")
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, _OOM_SCORE)
        os.close(fd)

    return join
