"""What a service sees, as files: a frame of each of its views, cut by the running host as for the service itself."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.kernel.errors import EyespotError, invalid

if TYPE_CHECKING:
    from eyespot.contracts.view import NamedView


def write_samples(state: Path, views: Sequence["NamedView"], folder: Path) -> list[str]:
    """Write ``<view>.jpg``, or ``<view>.json`` where there are no pixels, to ``folder``; returns a line for each view.

    Raises ``UNAVAILABLE`` when the host does not run, ``INVALID`` when ``folder`` cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_write(state, views, folder))
    except OSError as error:
        raise invalid(f"{folder} cannot be written: {error.strerror}.", "Name another folder.") from error


async def _write(state: Path, views: Sequence["NamedView"], folder: Path) -> list[str]:
    from eyespot.bus.nats import connect
    from eyespot.edge.frames.sample_asking import ask_sample
    from eyespot.edge.layout import StateLayout

    bus = await connect(StateLayout(state.absolute()).run_dir, "operator", wait_s=5.0)
    lines = []
    try:
        for view in views:
            try:
                sample = await ask_sample(bus, view)
            except EyespotError as error:
                lines.append(f"{view.name}: no sample: {error}")
                continue
            file = folder / f"{view.name}.{'jpg' if sample.jpeg else 'json'}"
            if sample.jpeg:
                file.write_bytes(sample.jpeg)
            else:
                file.write_text(sample.model_dump_json(exclude={"jpeg"}) + "\n", encoding="utf-8")
            lines.append(f"{view.name}: {file}")
    finally:
        await bus.close()
    return lines
