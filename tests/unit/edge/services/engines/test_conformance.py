"""What every engine that confines must do, tried on the real thing."""

import asyncio
import os
import shutil
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from eyespot.edge.services.engines.contract import Engine, Launch, Running
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, Kind

Launcher = Callable[..., Launch]
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), sys.exit(0)))
print("ready", flush=True)
while True:
    time.sleep(3600)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
else:
    print("ready", flush=True)
while True:
    time.sleep(3600)
"""


def processes_in(pid_namespace: int) -> list[int]:
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            if os.stat(f"/proc/{name}/ns/pid").st_ino == pid_namespace:
                found.append(int(name))
    return found


def processes_told(word: str) -> list[int]:
    """Those with ``word`` in their command line: a service, and whatever holds it."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            if word.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                found.append(int(name))
    return found


async def said(running: Running, line: str) -> None:
    while line not in running.logs.lines():  # noqa: ASYNC110 - output gives no event
        await asyncio.sleep(0.01)


async def output(engine: Engine, launch: Launch) -> list[str]:
    running = await engine.start(launch)
    ended = await running.wait()
    assert ended.status == 0, running.logs.lines()
    return running.logs.lines()


async def test_tells_output_and_exit_status(engine: Engine, launch: Launcher) -> None:
    running = await engine.start(launch("import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(7)"))
    ended = await running.wait()
    assert (ended.status, ended.out_of_memory, ended.text) == (7, False, "status 7")
    assert sorted(running.logs.lines()) == ["err", "out"]
    assert await running.wait() == ended


async def test_stops_when_asked(engine: Engine, launch: Launcher) -> None:
    running = await engine.start(launch(POLITE))
    await said(running, "ready")
    assert (await running.stop(60.0)).status == 0
    assert running.logs.lines() == ["ready", "bye"]


async def test_kills_what_does_not_stop_and_leaves_nothing(engine: Engine, launch: Launcher) -> None:
    running = await engine.start(launch(STUBBORN))
    await said(running, "ready")
    assert len(processes_in(running.identity.pid_namespace)) >= 2
    ended = await running.stop(0.1)
    assert ended.text == "signal 9"
    assert processes_in(running.identity.pid_namespace) == []
    assert running.usage().pids == 0


async def test_stopping_what_has_ended_is_harmless(engine: Engine, launch: Launcher) -> None:
    running = await engine.start(launch("pass"))
    await running.wait()
    assert (await running.stop(1.0)).status == (await running.kill()).status == 0


@pytest.mark.parametrize("after_s", [0.01, 0.1, 0.3])
async def test_a_start_that_is_cut_off_leaves_nothing(engine: Engine, launch: Launcher, after_s: float) -> None:
    mark = f"cut-off-{os.getpid()}-{after_s}"
    prepared = launch(STUBBORN)
    starting = asyncio.create_task(engine.start(replace(prepared, command=(*prepared.command, mark))))
    await asyncio.wait([starting], timeout=after_s)
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await (await starting).kill()
    while processes_told(mark):  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.01)
    assert str(prepared.scratch) not in Path("/proc/self/mountinfo").read_text()
    assert (await (await engine.start(launch("pass"))).wait()).status == 0


async def test_ends_with_the_process_that_started_it(engine: Engine, launch: Launcher, tmp_path: Path) -> None:
    prepared = launch(STUBBORN)
    host = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("host_process.py")),
        *(engine.name, str(tmp_path / "one"), str(prepared.uids.first)),
        env=inherited_env(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert host.stdout is not None
    namespace = int(await host.stdout.readline())
    assert processes_in(namespace) != []
    host.kill()
    await host.wait()
    while processes_in(namespace):  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.05)
    assert (await (await engine.start(launch("pass"))).wait()).status == 0


async def test_is_known_by_the_kernel_alone(engine: Engine, launch: Launcher) -> None:
    prepared = launch(
        "import os, socket\nos.fork()\ns = socket.socket(socket.AF_UNIX)\ns.connect('/run/eyespot/a.sock')"
    )
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(prepared.run / "a.sock"))
        (prepared.run / "a.sock").chmod(0o666)
        listener.listen()
        listener.setblocking(False)
        running = await engine.start(prepared)
        seen = []
        for _ in range(2):
            peer, _ = await asyncio.get_running_loop().sock_accept(listener)
            with peer:
                pid, uid, gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            seen.append((uid, gid))
            assert pid > 2
        await running.wait()
    identity = running.identity
    assert seen == [(identity.uid, identity.uid)] * 2
    if os.geteuid() == 0:
        assert identity.uid == prepared.uids.host_uid


async def test_two_services_are_strangers(engine: Engine, launch: Launcher) -> None:
    first, second = await engine.start(launch(POLITE, "one")), await engine.start(launch(POLITE, "two"))
    assert first.identity.pid_namespace != second.identity.pid_namespace
    assert os.stat(f"/proc/{first.identity.pid}/ns/pid").st_ino == first.identity.pid_namespace
    if os.geteuid() == 0:
        assert first.identity.uid != second.identity.uid
    await asyncio.gather(first.kill(), second.kill())


async def test_storage_is_kept_and_nobody_elses(engine: Engine, launch: Launcher) -> None:
    look = "import os\nprint(sorted(set(os.listdir('/scratch')) - {'lost+found'}))"
    assert await output(engine, launch(f"open('/scratch/mine', 'w').write('x')\n{look}", "one")) == ["['mine']"]
    assert await output(engine, launch(look, "two")) == ["[]"]
    assert await output(engine, launch(look, "one")) == ["['mine']"]
    assert await output(engine, launch("print(open('/scratch/mine').read())", "one")) == ["x"]


async def test_storage_grows_and_shrinks_with_its_budget(engine: Engine, launch: Launcher) -> None:
    first = await engine.start(launch("pass"))
    await first.wait()
    if first.enforced.get("disk") != "file system":
        pytest.skip("no loop devices here: storage is a plain folder")
    size = (
        "import os\ns = os.statvfs('/scratch')\nprint(s.f_blocks * s.f_frsize >> 20, os.listdir('/scratch').count('x'))"
    )
    budget = launch("").budget
    await output(engine, launch("open('/scratch/x', 'w')"))
    sizes = [await output(engine, launch(size, budget=replace(budget, disk_mb=mb))) for mb in (32, 16)]
    assert 24 <= int(sizes[0][0].split()[0]) <= 32
    assert 10 <= int(sizes[1][0].split()[0]) <= 16
    assert [line[0].split()[1] for line in sizes] == ["1", "1"]


async def test_finds_what_the_design_promises(engine: Engine, launch: Launcher) -> None:
    prepared = launch(
        "import os, numpy, eyespot\n"
        "print(os.environ['EYESPOT_RUN'], os.environ['COLOUR'], os.getuid(), os.getcwd())\n"
        "print(os.listdir('/app'), open('/run/eyespot/service.json').read())",
        env={"COLOUR": "--green--"},
    )
    (prepared.run / "service.json").write_text("{}")
    assert await output(engine, prepared) == ["/run/eyespot --green-- 10001 /app", "['main.py'] {}"]


async def test_output_is_bounded_and_never_waits(engine: Engine, launch: Launcher) -> None:
    flood = "import os\nfor _ in range(1000): os.write(1, b'x' * 1023 + b'\\n')"
    prepared = launch(flood)
    running = await engine.start(replace(prepared, budget=replace(prepared.budget, log_kb_per_min=16)))
    assert (await running.wait()).status == 0
    assert running.logs.kept_bytes == 16 << 10
    assert running.breaches()["log"] == (1000 << 10) - (16 << 10)


@pytest.mark.parametrize("what", ["name", "code", "scratch", "users", "command"])
async def test_refuses_an_unusable_launch(engine: Engine, launch: Launcher, tmp_path: Path, what: str) -> None:
    good = launch("pass")
    link = tmp_path / "link"
    link.symlink_to("/")
    bad = {
        "name": replace(good, name="../up"),
        "code": replace(good, code=link),
        "scratch": replace(good, scratch=link),
        "users": replace(good, uids=replace(good.uids, first=0)),
        "command": replace(good, command=("python3", "a\0b")),
    }
    with pytest.raises(EyespotError) as caught:
        await engine.start(bad[what])
    assert caught.value.kind is Kind.INVALID


async def test_a_command_that_is_not_there_ends_and_says_so(engine: Engine, launch: Launcher) -> None:
    running = await engine.start(replace(launch("pass"), command=("/app/missing",)))
    assert (await running.wait()).status in {1, 126, 127}
    assert "No such file" in running.logs.lines()[-1]


async def test_a_signal_is_told_as_one(engine: Engine, launch: Launcher) -> None:
    running = await engine.start(launch("import os\nos.abort()"))
    assert (await running.wait()).text == f"signal {int(signal.SIGABRT)}"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
async def test_node_runs_as_python_does(engine: Engine, launch: Launcher) -> None:
    prepared = launch("")
    (prepared.code / "main.mjs").write_text('import { readdirSync } from "node:fs"; console.log(readdirSync("/app"))')
    prepared = replace(prepared, command=("node", "main.mjs"), budget=replace(prepared.budget, memory_mb=256))
    assert await output(engine, prepared) == ["[ 'main.mjs', 'main.py' ]"]
