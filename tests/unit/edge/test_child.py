"""A supervised child: comes back after any death, ends when told, and dies with its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from eyespot.edge.child import Child, ChildSpec, exit_text
from eyespot.kernel.clock import SystemClock

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


async def running(child: Child, *, other_than: int | None = None) -> int:
    while child.now.pid is None or child.now.pid == other_than:  # noqa: ASYNC110 - a process gives no event
        await asyncio.sleep(0.01)
    return child.now.pid


async def test_a_killed_child_is_started_again_and_its_death_told() -> None:
    deaths: list[tuple[str, int]] = []
    child = Child(ChildSpec("x", SLEEPER, dict(os.environ)), SystemClock(), lambda *death: deaths.append(death))
    task = asyncio.create_task(child.run())
    first = await running(child)
    os.kill(first, signal.SIGKILL)
    second = await running(child, other_than=first)
    assert deaths == [("x", -signal.SIGKILL)]
    assert child.status()["restarts"] == 1
    assert child.status()["rss_bytes"] > 0
    await child.stop()
    await task
    assert (child.now.state, len(deaths)) == ("stopped", 1)
    assert not Path(f"/proc/{second}").exists()


async def test_one_that_does_not_listen_is_killed() -> None:
    child = Child(ChildSpec("x", STUBBORN, dict(os.environ), stop_s=0.5), SystemClock(), lambda *_: None)
    task = asyncio.create_task(child.run())
    await running(child)
    await asyncio.sleep(0.5)
    await child.stop()
    await task
    assert child.now.last_exit == -signal.SIGKILL


async def test_what_cannot_be_started_is_tried_again_and_told() -> None:
    deaths: list[int] = []
    told = asyncio.Event()

    def on_death(role: str, code: int) -> None:
        deaths.append(code)
        if len(deaths) == 2:
            told.set()

    child = Child(ChildSpec("x", ["/does/not/exist"], {}), SystemClock(), on_death)
    task = asyncio.create_task(child.run())
    await told.wait()
    await child.stop()
    await task
    assert deaths[:2] == [127, 127]


def test_children_die_with_their_parent() -> None:
    program = (
        "import asyncio, os, sys\n"
        "from eyespot.edge.child import Child, ChildSpec\n"
        "from eyespot.kernel.clock import SystemClock\n"
        "async def main():\n"
        "    spec = ChildSpec('x', [sys.executable, '-c', 'import time; time.sleep(600)'], dict(os.environ))\n"
        "    child = Child(spec, SystemClock(), lambda *_: None)\n"
        "    asyncio.ensure_future(child.run())\n"
        "    while child.now.pid is None: await asyncio.sleep(0.01)\n"
        "    print(child.now.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    orphan = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    while Path(f"/proc/{orphan}").exists() and "Z" not in Path(f"/proc/{orphan}/stat").read_text().split(")")[1][:3]:
        os.sched_yield()


def test_exit_statuses_are_said_in_words() -> None:
    assert [exit_text(code) for code in (0, 3, -9, -15)] == ["status 0", "status 3", "signal KILL", "signal TERM"]


async def test_one_that_is_told_to_stop_while_it_is_made_does_not_live_on(tmp_path: Path) -> None:
    child = Child(ChildSpec("x", SLEEPER, dict(os.environ)), SystemClock(), lambda *_: None)
    task = asyncio.create_task(child.run())
    await asyncio.sleep(0)
    await child.stop()
    await asyncio.wait_for(task, 60)
    assert child.now.state == "stopped"
