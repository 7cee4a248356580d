"""The command line of bubblewrap for one service. A pure function: what is confined how can be read here, top to
bottom.

As root, bubblewrap makes its mounts as root, then enters a prepared user namespace in which the service's user is the
only one (``--userns2``), and ``setpriv`` becomes that user and drops the three capabilities that this needed. Without
root, bubblewrap makes a user namespace of its own, and the service is the host's user under another number.

Source: bwrap(1) of bubblewrap 0.8, setpriv(1) and prlimit(1) of util-linux 2.38.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.services.engines.contract import APP, INSIDE_UID, RUN, SCRATCH, Launch
from eyespot.edge.services.engines.runtime import Runtime

SHM_BYTES = 16 << 20
"""/dev/shm: enough for Python's semaphores; charged to the service's memory."""
OPEN_FILES, LOCKED_BYTES = 256, 1 << 16
PASSWD = f"app:x:{INSIDE_UID}:{INSIDE_UID}::{SCRATCH}:/usr/sbin/nologin\n"
GROUP = f"app:x:{INSIDE_UID}:\n"
_MASKED = ("/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/timer_list", "/proc/config.gz", "/proc/slabinfo")
"""What the kernel tells everybody about the whole machine and no service needs."""
_STDOUT = 1
_OUTPUT = ("/bin/sh", "-c", 'exec "$@" >&2', "sh")
"""bubblewrap leaves the user namespace it was given open: that comes as standard output, and is replaced here."""
_BECOMING = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Open files that bubblewrap inherits: it writes to ``info`` and starts the service when ``block`` can be read."""

    seccomp: int
    info: int
    block: int
    passwd: int
    group: int


def options(launch: Launch, runtime: Runtime, scratch: Path, fds: Descriptors, *, becoming: bool) -> list[str]:
    """What bubblewrap is told.

    Args:
        scratch: what is mounted as the service's storage.
        becoming: as root: its standard output is the user namespace to enter.
    """
    return [
        *_namespaces(becoming=becoming),
        *_root(runtime, fds),
        *_own(launch, scratch),
        *("--remount-ro", "/"),
        *("--seccomp", str(fds.seccomp), "--info-fd", str(fds.info), "--block-fd", str(fds.block)),
        *_variables({**runtime.env, **launch.env}),
        *("--chdir", APP),
    ]


def payload(launch: Launch, *, becoming: bool, counted: Container[str], launcher: Sequence[str] = ()) -> list[str]:
    """What bubblewrap runs: limits, the change of user, the launcher, the service's own command.

    Args:
        becoming: whether it still has to become the service's user (as root).
        counted: budgets that a cgroup enforces; memory and pids get a resource limit instead where it does not.
        launcher: runs the command that follows it, under a filter that tells what it refuses; see ``telling_launcher``.
    """
    become = _become() if becoming else ()
    return [*_OUTPUT, *_rlimits(launch, counted), *become, *launcher, *launch.command]


def _namespaces(*, becoming: bool) -> Iterator[str]:
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--hostname", "app", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    if not becoming:
        yield from ("--unshare-user", "--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID))
        return
    yield from ("--userns2", str(_STDOUT))
    for capability in _BECOMING:
        yield from ("--cap-add", capability)


def _root(runtime: Runtime, fds: Descriptors) -> Iterator[str]:
    places = [inside for _, inside in runtime.binds] + ["/etc/passwd", RUN]
    for parent in sorted({str(parent) for place in places for parent in Path(place).parents} - {"/"}):
        yield from ("--perms", "0755", "--dir", parent)
    for host, inside in runtime.binds:
        yield from ("--ro-bind", str(host), inside)
    for target, place in runtime.links:
        yield from ("--symlink", target, place)
    for fd, file in ((fds.passwd, "/etc/passwd"), (fds.group, "/etc/group")):
        yield from ("--perms", "0644", "--ro-bind-data", str(fd), file)
    yield from ("--proc", "/proc", "--dev", "/dev")
    for file in _MASKED:
        if Path(file).exists():
            yield from ("--ro-bind", "/dev/null", file)
    yield from ("--perms", "1777", "--size", str(SHM_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev")


def _own(launch: Launch, scratch: Path) -> Iterator[str]:
    yield from ("--ro-bind", str(launch.code), APP)
    yield from ("--ro-bind", str(launch.run), RUN)
    yield from ("--bind", str(scratch), SCRATCH)


def _variables(env: dict[str, str]) -> Iterator[str]:
    yield "--clearenv"
    for name, value in env.items():
        yield from ("--setenv", name, value)


def _rlimits(launch: Launch, counted: Container[str]) -> Iterator[str]:
    budget = launch.budget
    yield "/usr/bin/prlimit"
    yield from ("--core=0", f"--nofile={OPEN_FILES}", f"--memlock={LOCKED_BYTES}")
    yield from (f"--fsize={max(1, budget.disk_mb) << 20}", "--msgqueue=0", "--nice=0", "--rtprio=0")
    if "pids" not in counted:
        yield f"--nproc={budget.pids}"
    if "memory" not in counted:
        yield f"--data={budget.memory_mb << 20}"
    yield "--"


def _become() -> Iterator[str]:
    yield "/usr/bin/setpriv"
    yield from (f"--reuid={INSIDE_UID}", f"--regid={INSIDE_UID}", "--clear-groups")
    yield from ("--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--")
