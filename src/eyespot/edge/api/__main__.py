"""Entry of the API process: ``python -m eyespot.edge.api --config FILE --state DIR``."""

import asyncio
import sys

from eyespot.edge.api.process import ApiProcess
from eyespot.edge.process import HostProcess, run_process


async def work(process: HostProcess, stop: asyncio.Event) -> None:
    """The whole life of the process."""
    await ApiProcess(process).run(stop)


if __name__ == "__main__":
    sys.exit(run_process("api", work))
