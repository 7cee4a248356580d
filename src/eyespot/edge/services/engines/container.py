"""The container engine: podman around one service, with runc or crun, whichever works here. As root alone."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path

from eyespot.edge.services.engines import cgroup as cgroups
from eyespot.edge.services.engines.confined import ConfinedRunning, Held, first_child, namespace_of
from eyespot.edge.services.engines.contract import Availability, Budget, Identity, Image, Launch, UidRange
from eyespot.edge.services.engines.disk_rate import limit_disks, stand_back
from eyespot.edge.services.engines.handover import listening
from eyespot.edge.services.engines.images import PODMAN_ENV, Program, ensure, recipe_for, trial_recipe
from eyespot.edge.services.engines.keeper import remove_container, remove_containers
from eyespot.edge.services.engines.launch_check import check
from eyespot.edge.services.engines.let_go import last_words, let_go
from eyespot.edge.services.engines.log_tail import LogTail
from eyespot.edge.services.engines.notification import kernel_notifies
from eyespot.edge.services.engines.podman import Place, run_arguments
from eyespot.edge.services.engines.refusal_listener import RefusalListener
from eyespot.edge.services.engines.runtime import own_libraries, own_package
from eyespot.edge.services.engines.scratch import Scratch, opened
from eyespot.edge.services.engines.seccomp import podman_profile
from eyespot.edge.services.engines.service_images import ensure_loaded
from eyespot.kernel.clock import Clock
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, unavailable

RUNTIMES = ("crun", "runc")
"""Tried in this order."""
REAPER = ("catatonit", "/usr/libexec/podman/catatonit")
OVERHEAD_PIDS = 1
IMAGES = Path("/var/lib/containers")
"""podman keeps them there for root; a place that is not there is passed over."""
TRIAL_UIDS = UidRange(2_146_000_000)
_LOOK_S = 0.01
_Ending = tuple[Callable[[], None], RefusalListener | None]
"""What is called once nothing of a service is left, and who counts what the kernel refuses it."""


class ContainerEngine:
    """Runs services as containers.

    Args:
        owner: a short slug that tells this host's containers from those of other hosts on the machine.
    """

    name = "container"

    def __init__(self, clock: Clock, owner: str) -> None:
        self._clock = clock
        self._owner = owner
        self._answer: Availability | None = None
        self._runtime = ""
        self._tells = kernel_notifies()
        self._swept = False
        self._bases: dict[Program, str] = {}
        self._keeper: subprocess.Popen[bytes] | None = None
        self._lock = asyncio.Lock()
        self._loading = asyncio.Lock()

    async def available(self) -> Availability:
        """Runs a container that ends at once, with each runtime until one works."""
        async with self._lock:
            if self._answer is None:
                self._answer = await self._try()
        return self._answer

    async def start(self, launch: Launch) -> ConfinedRunning:
        """See ``contract.Engine``; the first start makes the base image, or loads the service's own: some seconds."""
        answer = await self.available()
        if not answer.works:
            raise unavailable(answer.what, answer.todo)
        check(launch, takes_images=True)
        async with self._lock:
            if not self._swept:
                await asyncio.to_thread(remove_containers, self._owner)
                self._swept = True
            if self._keeper is None or self._keeper.poll() is not None:
                self._keeper = _start_keeper(self._owner)
            base = "" if launch.image else await asyncio.to_thread(self._image, launch)
        image = await self._own_image(launch.image) if launch.image else base
        try:
            return await self._start(launch, self._runtime, image)
        except EyespotError:
            self._bases.clear()  # somebody may have removed the image: look again next time
            raise

    def close(self) -> None:
        """See ``contract.Engine``."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None

    def _image(self, launch: Launch) -> str:
        """The id of the image that it runs on; blocks, for seconds where it must be made first."""
        program: Program = "node" if launch.command[0] == "node" else "python3"
        if program not in self._bases:
            self._bases[program] = ensure(recipe_for(program))
        return self._bases[program]

    async def _own_image(self, image: Image) -> str:
        """The id of a service's own image, as it was pinned; one is loaded at a time, others start meanwhile."""
        async with self._loading:
            return await asyncio.to_thread(ensure_loaded, image, self._owner)

    async def _try(self) -> Availability:
        if os.geteuid() != 0:
            return Availability(
                False, "Containers need a host that runs as root.", "Run it as root, or use the process host."
            )
        if shutil.which("podman") is None or not any(map(shutil.which, REAPER)):
            todo = "Install the Debian packages podman, runc and catatonit."
            return Availability(False, "podman or catatonit cannot be found.", todo)
        found = [runtime for runtime in RUNTIMES if shutil.which(runtime, path=PODMAN_ENV["PATH"])]
        failures = [] if found else ["there is neither crun nor runc"]
        for runtime in found:
            try:
                failure = await self._try_with(runtime)
            except EyespotError as error:
                failure = error.what
            if not failure:
                self._runtime = runtime
                told = "what the kernel refuses is counted" if self._tells else "what the kernel refuses is not counted"
                return Availability(True, f"podman works with {runtime}; each service has users of its own; {told}.")
            failures.append(f"{runtime}: {failure}")
        return Availability(
            False, f"podman does not work here: {'; '.join(failures)}.", "Install runc or crun, or update it."
        )

    async def _try_with(self, runtime: str) -> str:
        """What went wrong, nothing when it worked; without counting what the kernel refuses where it cannot."""
        self._tells = kernel_notifies()
        failure = await self._try_once(runtime)
        if failure and self._tells:
            self._tells = False
            failure = await self._try_once(runtime)
        return failure

    async def _try_once(self, runtime: str) -> str:
        image = await asyncio.to_thread(lambda: ensure(trial_recipe()))
        with tempfile.TemporaryDirectory(prefix="eyespot-trial-") as folder:
            code, run = Path(folder, "code"), Path(folder, "run")
            code.mkdir()
            run.mkdir()
            budget = Budget(cpu=1.0, memory_mb=64, disk_mb=0, pids=16)
            name = f"trial-{os.getpid()}"
            trial = Launch(name, ("/usr/bin/true",), code, Path(folder, "scratch"), run, budget, TRIAL_UIDS)
            running = await self._start(trial, runtime, image)
            ended = await running.wait()
        self._tells = running.refusals().told
        return "" if ended.status == 0 else " ".join(running.logs.lines()[-2:]) or ended.text

    async def _start(self, launch: Launch, runtime: str, image: str) -> ConfinedRunning:
        scratch = await opened(launch.scratch, launch.budget.disk_mb, launch.uids.host_uid)
        papers = Path(tempfile.mkdtemp(prefix="eyespot-container-"))
        release = partial(_release, scratch, papers)
        listener, machine = None, os.uname().machine
        try:
            door = papers / "refusals.sock" if self._tells else None
            profile = podman_profile(machine, listener=door)
            (papers / "seccomp.json").write_text(json.dumps(profile), encoding="ascii")
            place = Place(
                runtime, image, self._owner, papers / "seccomp.json", papers / "pid", scratch.where, own_package(),
                own_libraries(),
            )  # fmt: skip
            listener = RefusalListener(listening(door), self._clock, machine) if door else None
            return await _whole(self._spawn(launch, place, scratch, (release, listener)))
        except BaseException:  # whatever ended it, nothing of it may stay mounted
            if listener is not None:
                listener.close()
            await asyncio.to_thread(release)
            raise

    async def _spawn(self, launch: Launch, place: Place, scratch: Scratch, ending: _Ending) -> ConfinedRunning:
        process = await asyncio.create_subprocess_exec(
            "podman",
            *run_arguments(launch, place),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            cwd=place.pidfile.parent,  # conmon, which it starts, notes there when the kernel killed for memory
            env=PODMAN_ENV,
        )
        try:
            return await self._find(process, launch, place, scratch, ending)
        except BaseException:  # whatever ended it, the container may not go on without us
            await let_go(process)
            await asyncio.to_thread(remove_container, self._owner, launch.name)
            raise

    async def _find(
        self,
        process: asyncio.subprocess.Process,
        launch: Launch,
        place: Place,
        scratch: Scratch,
        ending: _Ending,
    ) -> ConfinedRunning:
        assert process.stdout is not None
        root_pid = await _pid(process, place.pidfile)
        if root_pid is None:
            raise unavailable(f"podman does not start {launch.name}: {await last_words(process, process.stdout)}.")
        first_pid, root_fd, first_fd, namespace = root_pid, None, None, 0
        with contextlib.ExitStack() as unless_found:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it may have ended already
                root_fd = os.pidfd_open(root_pid)
                unless_found.callback(os.close, root_fd)
                namespace = namespace_of(root_pid)
                first_pid, first_fd = await first_child(root_pid, root_fd)
                unless_found.callback(os.close, first_fd)
                stand_back(root_pid, first_pid)
            seats = cgroups.seats_of(Path(f"/proc/{root_pid}/cgroup"))
            group = cgroups.Cgroup(seats, OVERHEAD_PIDS) if seats else None
            reads = (launch.code, place.libraries, IMAGES)
            rate = await asyncio.to_thread(limit_disks, group, scratch.where, reads, launch.budget.disk_mb_per_s)
            unless_found.pop_all()
        by = {"disk_rate": rate} | ({} if group is None else group.enforced())
        identity = Identity(first_pid, launch.uids.host_uid, namespace)
        held = Held(process, process.stdout, first_fd, root_fd, group, place.pidfile.with_name("oom"), *ending)
        logs = LogTail(launch.budget.log_kb_per_min, self._clock)
        return ConfinedRunning(identity, held, logs, {**by, "disk": "file system"} if scratch.mounted else by)


async def _whole(starting: Coroutine[None, None, ConfinedRunning]) -> ConfinedRunning:
    """What is started. Where this is cancelled, it starts all the same and is ended at once: podman that is killed
    half-way leaves a runtime behind that it no longer knows of.
    """
    going_on = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(going_on)
    except asyncio.CancelledError:
        with contextlib.suppress(EyespotError):
            await (await going_on).kill()
        raise


async def _pid(process: asyncio.subprocess.Process, pidfile: Path) -> int | None:
    """The container's first process, as soon as podman tells; None when podman ended without."""
    while True:
        with contextlib.suppress(OSError, ValueError):
            return int(pidfile.read_text(encoding="ascii"))
        if process.returncode is not None:
            return None
        await asyncio.sleep(_LOOK_S)


def _release(scratch: Scratch, papers: Path) -> None:
    scratch.close()
    shutil.rmtree(papers, ignore_errors=True)


def _start_keeper(owner: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "eyespot.edge.services.engines.keeper", owner],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=inherited_env(),
    )
