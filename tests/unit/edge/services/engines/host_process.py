"""A host that starts one service and then waits, to be killed: ``host_process.py ENGINE HOME FIRST_UID``."""

import asyncio
import sys
from pathlib import Path

from conftest import ENGINES, SMALL  # its own folder is first on the path
from eyespot.edge.services.engines.contract import Launch, UidRange


async def main(engine: str, home: Path, first_uid: int) -> None:
    launch = Launch(
        "one", ("python3", "main.py"), home / "code", home / "scratch", home / "run", SMALL, UidRange(first_uid)
    )
    running = await ENGINES[engine]().start(launch)
    while "ready" not in running.logs.lines():  # noqa: ASYNC110 - output gives no event
        await asyncio.sleep(0.01)
    print(running.identity.pid_namespace, flush=True)
    await running.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
