"""The command line of podman for one service. A pure function, as ``bubblewrap`` is.

A service that is an image gets nothing of this host but its sockets, its storage and the authorities it trusts; of what
the image says of itself, its variables and working folder alone are kept.

Source: podman-run(1) of podman 4.3.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.services.engines.bubblewrap import LOCKED_BYTES, OPEN_FILES, SHM_BYTES
from eyespot.edge.services.engines.contract import APP, INSIDE_UID, RUN, SCRATCH, Launch
from eyespot.edge.services.engines.runtime import (
    CERTIFICATES,
    LIB,
    PYTHON,
    SITE,
    environment,
    environment_of_images,
    trusted_certificates,
)
from eyespot.kernel.errors import invalid

OWNER_LABEL = "eyespot.owner"
OOM_SCORE = 500
_MASKED = (
    *(f"/sys/{name}" for name in ("block", "bus", "class", "dev", "firmware", "fs", "kernel", "module", "power")),
    *("/proc/kallsyms", "/proc/config.gz", "/proc/slabinfo"),
)
_READ_ONLY = "ro,nosuid,nodev"


@dataclass(frozen=True, slots=True)
class Place:
    """What podman is told beside the launch.

    Args:
        runtime: OCI runtime.
        owner: whose containers these are; one engine of one host.
        libraries: folder of our packages; ``package`` is our own.
    """

    runtime: str
    image: str
    owner: str
    seccomp: Path
    pidfile: Path
    scratch: Path
    package: Path
    libraries: Path


def container_name(owner: str, name: str) -> str:
    """The container of service ``name``."""
    return f"eyespot-{owner}-{name}"


def run_arguments(launch: Launch, place: Place) -> list[str]:
    """Everything after ``podman``; raises ``INVALID`` when a path cannot be said to it."""
    return [
        *("run", "--runtime", place.runtime, "--rm", "--replace", "--init", "--pull", "never"),
        *("--name", container_name(place.owner, launch.name), "--label", f"{OWNER_LABEL}={place.owner}"),
        *("--log-driver", "none", "--sig-proxy=false", "--pidfile", str(place.pidfile)),
        *_confinement(launch, place),
        *_budget(launch),
        *_mounts(launch, place),
        *_variables(launch),
        *_program(launch, place),
    ]


def _program(launch: Launch, place: Place) -> Iterator[str]:
    if launch.image is None:
        yield from ("--workdir", APP, place.image, *launch.command)
    else:
        yield from ("--entrypoint", json.dumps(launch.command), place.image)


def _confinement(launch: Launch, place: Place) -> Iterator[str]:
    users = f"0:{launch.uids.first}:{launch.uids.count}"
    yield from ("--uidmap", users, "--gidmap", users, "--user", f"{INSIDE_UID}:{INSIDE_UID}")
    yield from ("--network", "none", "--no-hosts", "--http-proxy=false", "--hostname", "app")
    yield from ("--ipc", "private", "--cgroupns", "private", "--read-only", "--read-only-tmpfs=false")
    yield from ("--cap-drop", "all", "--security-opt", "no-new-privileges")
    yield from ("--security-opt", f"seccomp={place.seccomp}", "--security-opt", f"mask={':'.join(_MASKED)}")
    yield from ("--oom-score-adj", str(OOM_SCORE))
    # What an image could ask for beside its program: volumes on the host's disk, probes, mounts for systemd.
    yield from ("--image-volume", "ignore", "--no-healthcheck", "--systemd", "false")


def _budget(launch: Launch) -> Iterator[str]:
    budget = launch.budget
    memory = f"{budget.memory_mb}m"
    yield from ("--memory", memory, "--memory-swap", memory, "--cpus", f"{budget.cpu:.3f}")
    yield from ("--pids-limit", str(budget.pids + 1), "--shm-size", str(SHM_BYTES))  # one is the reaper's
    limits = {"core": 0, "nofile": OPEN_FILES, "memlock": LOCKED_BYTES, "msgqueue": 0, "rtprio": 0, "nice": 0}
    # nproc although the cgroup counts: what podman would ask for (1048576) is refused where the host has less.
    limits |= {"fsize": max(1, budget.disk_mb) << 20, "nproc": 2 * budget.pids + 16}
    for name, value in limits.items():
        yield from ("--ulimit", f"{name}={value}:{value}")


def _mounts(launch: Launch, place: Place) -> Iterator[str]:
    mounts = {RUN: (launch.run, _READ_ONLY), SCRATCH: (place.scratch, "rw,nosuid,nodev,noexec")}
    if launch.image is None:
        mounts |= {
            APP: (launch.code, _READ_ONLY),
            f"{LIB}/eyespot": (place.package, _READ_ONLY),
            SITE: (place.libraries, _READ_ONLY),
        }
    trusted = trusted_certificates()
    if trusted is not None:
        mounts[CERTIFICATES] = (trusted, _READ_ONLY)
    for inside, (host, how) in mounts.items():
        if ":" in str(host):
            raise invalid(f"{host} has a colon, and podman cannot mount it.", "Use another state folder.")
        yield from ("--volume", f"{host}:{inside}:{how}")


def _variables(launch: Launch) -> Iterator[str]:
    if launch.image is None:
        env = environment(f"{PYTHON}/bin:/usr/bin:/bin") | {"LD_LIBRARY_PATH": f"{PYTHON}/lib"}
    else:
        env = environment_of_images()
    for name, value in {**env, **launch.env}.items():
        yield from ("--env", f"{name}={value}")
