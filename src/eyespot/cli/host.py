"""Running a camera host from the command line: the address on standard error, the report on standard output."""

import asyncio
import json
import sys
from pathlib import Path

from eyespot.edge.supervisor import Supervisor
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.log import setup_logging


def run_host(config: Path, state: Path, *, for_s: float | None = None, json_line: bool = False) -> None:
    """Supervise a host until it is told to stop; with ``json_line`` print its report as one line at the end."""
    setup_logging("host")
    supervisor = Supervisor(config, state, SystemClock(), on_url=_announce)
    report = asyncio.run(_run(supervisor, for_s))
    if json_line:
        print(json.dumps(report), flush=True)


async def _run(supervisor: Supervisor, for_s: float | None) -> dict[str, object]:
    return await supervisor.run(asyncio.Event(), for_s)


def _announce(url: str) -> None:
    """Say where to look. The API process itself prints the one-time set-up link while one is needed."""
    print(f"\n  Eyespot is at  {url}\n", file=sys.stderr, flush=True)
