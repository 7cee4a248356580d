"""The drop-in for services opens what bubblewrap needs: a confined program starts under it, and not without it."""

import contextlib
import ctypes.util
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_unit_file import UNITS, service_keys

from eyespot.edge.services.engines.bubblewrap import GROUP, PASSWD, Descriptors, options, payload
from eyespot.edge.services.engines.contract import Budget, Launch, UidRange
from eyespot.edge.services.engines.runtime import Runtime, environment
from eyespot.edge.services.engines.seccomp_bpf import program

OPENED = {
    "RestrictNamespaces", "SystemCallFilter", "RestrictAddressFamilies", "ProtectHostname", "ProtectKernelTunables",
    "ProtectKernelLogs",
}  # fmt: skip
TOOLS = ("bwrap", "systemd-analyze", "setpriv", "unshare")
COVERED = {"ProtectKernelTunables": "/proc/sys", "ProtectKernelLogs": "/proc/kmsg"}
BECOME = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
PRIVATE_USERS = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


def merged(*names: str) -> dict[str, list[str]]:
    """Every value of each key, in the order that systemd reads them."""
    found: dict[str, list[str]] = {}
    for name in names:
        for key, values in service_keys(UNITS / name).items():
            found.setdefault(key, []).extend(values)
    return found


def calls(words: list[str]) -> set[str]:
    """What groups and names of system calls stand for."""
    found: set[str] = set()
    for word in words:
        if not word.startswith("@"):
            found.add(word)
            continue
        said = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True)
        lines = [line.strip() for line in said.stdout.splitlines()[1:]]
        found |= calls([line for line in lines if line and not line.startswith("#")])
    return found


def allowed(keys: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    for value in keys["SystemCallFilter"]:
        words = value.removeprefix("~").split()
        found = found - calls(words) if value.startswith("~") else found | calls(words)
    hidden = {"sethostname", "setdomainname"} if keys["ProtectHostname"][-1] == "yes" else set()
    return (found | calls(["@default"])) - hidden


def test_the_drop_in_opens_nothing_but_what_is_named() -> None:
    keys = service_keys(UNITS / "services.conf")
    assert set(keys) == OPENED
    assert keys["RestrictNamespaces"] == ["user mnt pid net ipc uts cgroup"]
    assert keys["SystemCallFilter"] == ["capset mount umount2 pivot_root sethostname"]
    assert keys["RestrictAddressFamilies"] == ["AF_NETLINK"]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody may look into, with what a service needs."""
    with tempfile.TemporaryDirectory(prefix="eyespot-test-") as name:
        home = Path(name)
        home.chmod(0o755)
        for folder in ("run", "scratch", "code"):
            (home / folder).mkdir()
        shutil.copy(Path(__file__).with_name("sandboxed.py"), home)
        yield home


def run_confined(home: Path, keys: dict[str, list[str]]) -> tuple[str, int]:
    """``echo`` as a service, by bubblewrap on a host that runs under ``keys``: what was said, and the status."""
    tops = [Path("/", name) for name in ("bin", "lib", "lib64") if Path("/", name).is_symlink()]
    links = tuple((str(top.readlink()), str(top)) for top in tops)
    runtime = Runtime(((Path("/usr"), "/usr"),), links, environment("/usr/bin:/bin"))
    budget = Budget(cpu=1.0, memory_mb=64, disk_mb=8)
    launch = Launch(
        "tried", ("/usr/bin/echo", "it ran"), home / "code", home / "scratch", home / "run", budget, UidRange(1 << 28)
    )
    files = []
    for content in (program(os.uname().machine), PASSWD.encode(), GROUP.encode(), b"", b"\n"):
        files.append(os.memfd_create("test"))
        os.write(files[-1], content)
        os.lseek(files[-1], 0, os.SEEK_SET)
    seccomp, passwd, group, info, block = files
    fds = Descriptors(seccomp, info, block, passwd, group)
    words = ["bwrap", *options(launch, runtime, home / "scratch", fds, becoming=False), "--"]
    words += payload(launch, becoming=False, counted=())
    families = [int(getattr(socket, name)) for value in keys["RestrictAddressFamilies"] for name in value.split()]
    told = json.dumps({"allow": sorted(allowed(keys)), "families": families})
    covers = [place for key, place in COVERED.items() if keys[key][-1] == "yes"]
    mounts = "".join(f"mount --bind {place} {place}; " for place in covers)
    sandbox = [*BECOME, *PRIVATE_USERS, "/usr/bin/python3", str(home / "sandboxed.py"), told, *words]
    said = home / "said"
    command = ["unshare", "--mount", "sh", "-c", f'{mounts}exec "$@"', "sh", *sandbox]
    with said.open("wb") as output:
        started = subprocess.Popen(command, pass_fds=files, stdout=output, stderr=output, start_new_session=True)
    for fd in files:
        os.close(fd)
    status = started.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)  # a bubblewrap that fails leaves a child waiting
    return said.read_text(), status


needs_tools = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, TOOLS)) or ctypes.util.find_library("seccomp") is None,
    reason="needs root, bubblewrap, systemd-analyze, util-linux and libseccomp",
)


@needs_tools
def test_a_service_is_confined_under_the_unit_with_the_drop_in(home: Path) -> None:
    assert run_confined(home, merged("eyespot.service", "services.conf")) == ("it ran\n", 0)


@needs_tools
@pytest.mark.parametrize("key", sorted(OPENED - {"RestrictNamespaces"}))
def test_each_line_of_the_drop_in_is_needed(home: Path, key: str) -> None:
    keys = merged("eyespot.service", "services.conf")
    said, status = run_confined(home, {**keys, key: service_keys(UNITS / "eyespot.service")[key]})
    assert status != 0
    assert "it ran" not in said
