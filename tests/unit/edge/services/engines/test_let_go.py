"""What is told when bubblewrap itself fails, with programs that fail as it does; nothing of them stays behind."""

import asyncio
import gc
import os

import pytest

from eyespot.edge.services.engines.let_go import let_go
from eyespot.edge.services.engines.process import _started
from eyespot.kernel.errors import EyespotError

PIPE = asyncio.subprocess.PIPE
HELD = "sleep 600 & echo $!; "


def pipes() -> set[str]:
    """The pipes that this process has open."""
    gc.collect()
    names = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    return {where for name in names if os.path.lexists(name) and (where := os.readlink(name)).startswith("pipe:")}


@pytest.mark.parametrize("before", ["", HELD])
def test_what_it_said_is_told_even_if_a_child_of_it_lives(before: str) -> None:
    async def fail() -> bytes:
        command = f"echo no namespaces >&2; {before}exit 1"
        process = await asyncio.create_subprocess_exec("/bin/sh", "-c", command, stdout=PIPE, stderr=PIPE)
        info, theirs = os.pipe()
        os.close(theirs)
        assert process.stdout is not None
        child = await process.stdout.readline()
        with pytest.raises(EyespotError, match="no namespaces"):
            await _started(process, info, -1)
        os.close(info)
        await let_go(process)
        return child

    had = pipes()
    child = asyncio.run(fail())
    assert pipes() == had
    if child:
        os.kill(int(child), 9)


@pytest.mark.parametrize("then", ["exit 1", "exec sleep 600"])
def test_a_child_is_let_go_though_a_grandchild_holds_its_pipes(then: str) -> None:
    async def cut_off() -> tuple[int, int | None]:
        process = await asyncio.create_subprocess_exec("/bin/sh", "-c", HELD + then, stdout=PIPE, stderr=PIPE)
        assert process.stdout is not None
        grandchild = int(await process.stdout.readline())
        talking = asyncio.create_task(process.communicate())
        await asyncio.wait([talking], timeout=0.05)
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking
        await let_go(process)
        return grandchild, process.returncode

    had = pipes()
    grandchild, status = asyncio.run(cut_off())
    assert pipes() == had
    assert status is not None
    os.kill(grandchild, 9)  # it lives, it was none of ours
