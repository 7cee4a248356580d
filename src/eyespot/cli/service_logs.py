"""A service's output as it is kept on disk, whether it or the host still runs: what there is, or what comes too."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import typer

LOOK_S = 0.5
SHOWN_LINES = 400


def print_logs(state: Path, name: str, *, follow: bool) -> None:
    """Print the newest lines, each with its time; with ``follow`` those that come too, until interrupted.

    Raises ``NOT_FOUND`` when it is not installed.
    """
    from eyespot.cli.state_services import services_of

    with services_of(state) as installed:
        installed.store.get(name)

    async def tell() -> None:
        async for line in _lines(state, name, follow):
            typer.echo(line)

    try:
        asyncio.run(tell())
    except KeyboardInterrupt:
        if not follow:
            raise


async def _lines(state: Path, name: str, follow: bool) -> AsyncIterator[str]:
    from eyespot.edge.apps_dev.try_out import fresh
    from eyespot.edge.layout import StateLayout
    from eyespot.edge.services.log_file import LogFile

    file = LogFile(StateLayout(state.absolute()).service_logs_dir, name)
    known = file.lines(SHOWN_LINES)
    for line in known:
        yield line
    while follow:
        await asyncio.sleep(LOOK_S)
        now = file.lines(SHOWN_LINES)
        for line in fresh(known, now):
            yield line
        known = now
