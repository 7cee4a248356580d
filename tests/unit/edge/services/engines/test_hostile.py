"""The hostile app under every engine that confines: nothing it tries works, and what it uses up is its own."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hostile_doors import LEADS_HERE, NOTHING_THERE, open_doors, told_by_kernel

from eyespot.contracts.frames_door import Grant
from eyespot.edge.infer_client import Account, RemoteSession
from eyespot.edge.infer_models import Wanted
from eyespot.edge.infer_process import InferenceProcess
from eyespot.edge.services.engines.contract import Engine, Launch, Running
from eyespot.edge.services.engines.notification import kernel_notifies
from eyespot.edge.services.inference.allowance import Allowance
from eyespot.edge.services.inference.answers import Answers
from eyespot.edge.services.inference.door import CONNECTIONS, InferDoor
from eyespot.edge.services.inference.models import ServiceModels
from eyespot.kernel.clock import SystemClock, seconds
from eyespot.kernel.config import inherited_env
from eyespot.testing.tiny_package import write_package

Launcher = Callable[..., Launch]
APP = Path(__file__).parents[5] / "examples" / "hostile-app"
ABSTRACT = f"eyespot-hostile-test-{os.getpid()}"
AS_ROOT = os.geteuid() == 0
NEEDS_ROOT = {
    "programs_from_its_storage": "noexec is a mount option of the storage image, which needs root",
    "signals_to_others": "without root the sandbox's first process is the same user",
    "files_through_the_first_process": "without root the sandbox's first process is the same user",
}


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the host and another service have that an app may want: files, sockets by path, by name and by port."""
    other = tmp_path / "victim"
    other.mkdir(mode=0o755)
    (other / "secret").write_text("the other service's secret")
    with ExitStack() as stack:
        path, name, port = (stack.enter_context(socket.socket(kind)) for kind in (1, 1, 2))
        path.bind(str(other / "bus.sock"))
        name.bind("\0" + ABSTRACT)
        port.bind(("127.0.0.1", 0))
        for listener in (path, name, port):
            listener.listen()
        for folder in (other, tmp_path):
            folder.chmod(0o755)
        (other / "bus.sock").chmod(0o777)
        yield {
            "HOSTILE_DOORS": "net frames",
            "HOSTILE_NAME": f"{LEADS_HERE}:80",
            "HOSTILE_PORT": str(port.getsockname()[1]),
            "HOSTILE_ABSTRACT": ABSTRACT,
            "HOSTILE_FILES": f"{other}/secret:{other}/bus.sock:{other}:{Path(__file__)}",
        }


@pytest.fixture
def hostile(launch: Launcher, victim: dict[str, str]) -> Callable[..., Launch]:
    def prepare(*command: str, name: str = "hostile", **budget: float) -> Launch:
        prepared = launch("", name, env=victim)
        for file in APP.glob("*.py"):
            shutil.copy(file, prepared.code)
        secret, bus, *_ = victim["HOSTILE_FILES"].split(":")
        for number, target in enumerate(
            ("/etc/shadow", "/proc/1/root/etc/shadow", secret, bus, "../../../../etc/shadow")
        ):
            link = prepared.code / f"door{number}"
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        return replace(prepared, command=("python3", *command), budget=replace(prepared.budget, **budget))

    return prepare


async def run(engine: Engine, launch: Launch) -> tuple[Running, int]:
    running = await engine.start(launch)
    return running, (await running.wait()).status


async def test_nothing_it_tries_works_and_what_is_refused_is_told(
    engine: Engine, hostile: Callable[..., Launch]
) -> None:
    prepared = hostile("hostile.py")
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(prepared.run / "bus.sock"))
        running = await engine.start(prepared)
        async with open_doors(running.identity, prepared) as doors:
            status = (await running.wait()).status
        assert (prepared.run / "bus.sock").is_socket()
    answers = {answer["attempt"]: answer for answer in map(json.loads, running.logs.lines())}
    tolerated = {} if AS_ROOT else NEEDS_ROOT
    assert [answer for name, answer in answers.items() if answer["worked"] and name not in tolerated] == []
    assert status == 0 or not AS_ROOT
    by_kernel, at_doors = told_by_kernel(answers), {name for name in answers if name.startswith(("net_", "frames_"))}
    assert set(answers) == set(by_kernel) | NOTHING_THERE | at_doors, "every attempt is told somewhere, or met nothing"
    found = running.refusals()
    assert found.told == kernel_notifies()
    if found.told:
        assert Counter(by_kernel.values()) <= Counter(found.by_call), f"not told by the kernel: {found.by_call}"
    assert doors.told() == at_doors


def test_the_attempts_work_where_nothing_confines(victim: dict[str, str], tmp_path: Path) -> None:
    """The suite could not see an escape if the attempts were broken: unconfined, those that harm nobody succeed."""
    run_folder, scratch = tmp_path / "run", tmp_path / "scratch"
    run_folder.mkdir()
    scratch.mkdir()
    fine = [
        "service_of_the_host_on_loopback", "an_abstract_socket_of_the_host", "files_of_the_host_by_name",
        "files_through_links_in_scratch", "sockets_of_others_by_path", "netlink", "a_socket_pair_that_is_not_unix",
        "call_personality", "call_unshare", "rights_it_should_lack",
    ]  # fmt: skip
    code = (
        "import calls, hostile, sys\n"
        "calls.CALLS['unshare'] = (0,)\n"  # asks for nothing, but asks
        "hostile.ATTEMPTS.update(calls.attempts())\n"
        "for name in sys.argv[1:]: print(name, hostile.ATTEMPTS[name](), sep='\\t')"
    )
    env = {**victim, "EYESPOT_RUN": str(run_folder), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code, *fine], cwd=APP, env=env, capture_output=True, text=True)
    worked = dict(line.split("\t") for line in done.stdout.splitlines())
    assert [name for name in fine if not worked.get(name)] == [], done.stderr


async def test_memory(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running = await engine.start(hostile("hog.py", "memory"))
    ended = await running.wait()
    if running.enforced["memory"].startswith("cgroup"):
        assert ended.out_of_memory
        assert running.breaches()["memory"] >= 1
    else:
        assert ended.status == 1
        assert "MemoryError" in running.logs.lines()[-1]


async def test_shared_memory(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running, _ = await run(engine, hostile("hog.py", "shm"))
    assert "ENOSPC" in running.logs.lines()[-1]


async def test_processes(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running, status = await run(engine, hostile("hog.py", "pids", pids=20))
    _, children, *_, error = running.logs.lines()[-1].split()
    assert (status, error, int(children) <= 20) == (0, "EAGAIN", True)
    if running.enforced["pids"].startswith("cgroup"):
        assert running.breaches()["pids"] >= 1


async def test_disk(engine: Engine, hostile: Callable[..., Launch]) -> None:
    prepared = hostile("hog.py", "disk", disk_mb=8)
    running, status = await run(engine, prepared)
    assert status == 0
    sizes = [int(line.split()[1]) for line in running.logs.lines()]
    if running.enforced.get("disk") == "file system":
        assert running.logs.lines()[0].endswith("ENOSPC")
        assert sum(sizes) < 8 << 20
        used = sum(file.stat().st_blocks * 512 for file in prepared.scratch.rglob("*") if file.is_file())
        assert used <= 8 << 20
    else:
        assert max(sizes) <= 8 << 20
        assert running.logs.lines()[0].endswith("EFBIG")


async def test_disk_rate(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running, status = await run(engine, hostile("hog.py", "sync", disk_mb_per_s=2.0))
    if not running.enforced["disk_rate"].startswith("cgroup"):
        pytest.skip("no cgroup for disks here: a service's I/O only stands back")
    assert status == 0
    took_s = {kind: float(seconds) for kind, _, seconds in (line.partition(": ") for line in running.logs.lines())}
    assert took_s["small"] > 1.0, "40 syncs at 20 writes a second"
    assert took_s["large"] > 1.0, "4 MB at 2 MB a second"


async def test_a_million_files(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running = await engine.start(hostile("hog.py", "files", disk_mb=4, cpu=2.0))
    if running.enforced.get("disk") != "file system":
        await running.kill()
        pytest.skip("no loop devices here: the number of files is not bounded (docs/limits.md)")
    assert (await running.wait()).status == 0
    assert running.logs.lines()[-1].endswith("ENOSPC")


async def test_log(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running, status = await run(engine, hostile("hog.py", "log", log_kb_per_min=32))
    assert status == 0
    assert running.logs.kept_bytes <= 32 << 10
    assert running.breaches()["log"] >= (4000 << 10) - (33 << 10)


async def test_processor(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running = await engine.start(hostile("hog.py", "cpu", cpu=0.2))
    if not running.enforced.get("cpu", "").startswith("cgroup"):
        await running.kill()
        pytest.skip("no cpu cgroup here: processor time is counted, not bounded (docs/limits.md)")
    assert (await running.wait()).status == 0
    assert running.breaches()["cpu"] >= 3


async def test_accelerator(
    engine: Engine, hostile: Callable[..., Launch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for inferences as fast as it can, over many connections: it gets its share, and others get theirs."""
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", "delay_ms=20")
    write_package(tmp_path / "models" / "means")
    inference = InferenceProcess(tmp_path / "models", tmp_path, inherited_env(), clock := SystemClock())
    stop = asyncio.Event()
    keeping = asyncio.create_task(inference.run(stop))
    camera = await asyncio.to_thread(RemoteSession, inference.socket, Wanted("means"), Account("camera", 0.5), clock)
    running = await engine.start(prepared := hostile("hog.py", "infer", cpu=1.0))
    who = running.identity
    grant = Grant(uid=who.uid, pid_namespace=who.pid_namespace, socket=prepared.run / "infer.sock")
    allowance = Allowance("hog", {"means": 240.0}, 0.1, clock)
    models = ServiceModels(inference.socket, Account("service.hog", 0.1, priority=-1), clock)

    async def wake() -> None:
        """It runs."""

    door = InferDoor(grant, Answers("hog", models, allowance), allowance, wake, clock)
    begin_ns = clock.monotonic_ns()
    await door.open()
    picture = np.zeros((32, 48, 3), np.uint8)
    while (found := door.status())["refused"].get("throttled", 0) < 8 or found["models"]["means"]["runs"] < 5:
        await asyncio.to_thread(camera.run, picture)
    most_s = 0.1 * seconds(clock.monotonic_ns() - begin_ns) + 0.1
    assert found["run_s"] <= most_s + 0.2
    assert found["connections"] <= CONNECTIONS + 1
    await running.kill()
    await door.close()
    models.close()
    camera.close()
    stop.set()
    await keeping


async def test_lingering(engine: Engine, hostile: Callable[..., Launch]) -> None:
    running = await engine.start(hostile("hog.py", "linger"))
    while "lingering" not in running.logs.lines():  # noqa: ASYNC110 - output gives no event
        await asyncio.sleep(0.01)
    assert (await running.stop(0.1)).text == "signal 9"


async def test_all_at_once_harm_nobody_else(engine: Engine, hostile: Callable[..., Launch], launch: Launcher) -> None:
    """Memory, processes, disk and log of four hostile services, while a fifth does its work."""
    good = await engine.start(launch("import time\nfor n in range(20): print(n, flush=True); time.sleep(0.05)", "good"))
    hogs = [hostile("hog.py", hog, name=hog, cpu=0.25) for hog in ("memory", "pids", "disk", "log")]
    bad = await asyncio.gather(*(engine.start(one) for one in hogs))
    assert (await good.wait()).status == 0
    assert good.logs.lines() == [str(number) for number in range(20)]
    await asyncio.gather(*(one.kill() for one in bad))
