"""bubblewrap's command line for hosts without root, run as another user of this machine."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.edge.services.engines.bubblewrap import GROUP, PASSWD, Descriptors, options, payload
from eyespot.edge.services.engines.contract import Budget, Launch, UidRange
from eyespot.edge.services.engines.runtime import Runtime, environment
from eyespot.edge.services.engines.seccomp_bpf import program

APP = Path(__file__).parents[5] / "examples" / "hostile-app"
SYSTEM_PYTHON = Path("/usr/bin/python3")
NEEDS_ROOT = {
    "programs_from_its_storage": "noexec is an option of the mounted storage, which needs root",
    "signals_to_others": "the sandbox's first process is the same user",
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory(prefix="eyespot-test-") as name:
        home = Path(name)
        home.chmod(0o755)
        for folder in ("run", "scratch"):
            (home / folder).mkdir()
        shutil.copytree(APP, home / "code")
        yield home


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
@pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason="the system has no Python of its own")
@pytest.mark.skipif(os.geteuid() != 0, reason="without root the other suites try the same")
def test_nothing_the_hostile_app_tries_works(home: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(home / "scratch", nobody, nobody)
    links = [
        (str(Path("/", name).readlink()), f"/{name}")
        for name in ("bin", "lib", "lib64")
        if Path("/", name).is_symlink()
    ]
    runtime = Runtime(((Path("/usr"), "/usr"),), tuple(links), environment("/usr/bin:/bin"))
    runtime.env["HOSTILE_DOORS"] = ""
    launch = Launch(
        "hostile", (str(SYSTEM_PYTHON), "hostile.py"), home / "code", home / "scratch", home / "run",
        Budget(cpu=1.0, memory_mb=256, disk_mb=8), UidRange(400_000_000),
    )  # fmt: skip
    files = []
    for content in (program(os.uname().machine), PASSWD.encode(), GROUP.encode(), b"", b"\n"):
        fd = os.memfd_create("test")
        os.write(fd, content)
        os.lseek(fd, 0, os.SEEK_SET)
        files.append(fd)
    seccomp, passwd, group, info, block = files
    fds = Descriptors(seccomp, info, block, passwd, group)
    words = ["bwrap", *options(launch, runtime, home / "scratch", fds, becoming=False), "--"]
    words += payload(launch, becoming=False, counted=())
    done = subprocess.run(
        words, pass_fds=files, user=nobody, group=nobody, extra_groups=[], capture_output=True, text=True
    )
    for fd in files:
        os.close(fd)
    if "namespace" in done.stderr and not done.stdout and "{" not in done.stderr:
        pytest.skip(f"this kernel allows no namespaces without root: {done.stderr.strip()}")
    answers = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(answers) >= 65
    assert [one for one in answers if one["worked"] and one["attempt"] not in NEEDS_ROOT] == []
