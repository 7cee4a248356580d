"""What is told when bubblewrap itself fails, with programs that fail as it does."""

import asyncio
import os

import pytest

from eyespot.edge.services.engines.process import _started
from eyespot.kernel.errors import EyespotError


@pytest.mark.parametrize("after", ["", "; sleep 60 & echo $!"])
def test_what_it_said_is_told_even_if_a_child_of_it_lives(after: str) -> None:
    async def fail() -> str:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", f"echo no namespaces >&2{after}; exit 1",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        info, theirs = os.pipe()
        os.close(theirs)
        assert process.stdout is not None
        child = await process.stdout.readline()
        with pytest.raises(EyespotError, match="no namespaces"):
            await _started(process, info, -1)
        os.close(info)
        if child:
            os.kill(int(child), 9)
        await process.wait()
        return "told"

    assert asyncio.run(fail()) == "told"
