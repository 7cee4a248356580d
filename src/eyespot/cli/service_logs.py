"""A service's output, from the running host: what there is, or what comes too."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import typer

LOOK_S = 0.5


def print_logs(state: Path, name: str, *, follow: bool) -> None:
    """Print the newest lines; with ``follow`` those that come too, until interrupted.

    Raises ``NOT_FOUND`` when it is not installed, ``UNAVAILABLE`` when the host does not run; a host that goes away
    later is waited for.
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
    from eyespot.kernel.errors import EyespotError, Kind

    known = await _newest(state, name)
    for line in known:
        yield line
    while follow:
        await asyncio.sleep(LOOK_S)
        try:
            now = await _newest(state, name)
        except EyespotError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            continue
        for line in fresh(known, now):
            yield line
        known = now or known


async def _newest(state: Path, name: str) -> list[str]:
    from eyespot.bus import subjects
    from eyespot.bus.nats import connect
    from eyespot.edge.layout import StateLayout

    bus = await connect(StateLayout(state.absolute()).run_dir, "operator", wait_s=5.0)
    try:
        answer = await bus.request(subjects.control("services"), json.dumps({"logs": name}).encode())
        return [str(line) for line in json.loads(answer)["lines"]]
    finally:
        await bus.close()
