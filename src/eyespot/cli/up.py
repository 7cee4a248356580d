"""`eyespot up`: everything on this machine, with a config made when there is none."""

from pathlib import Path
from typing import Annotated

import typer


def up(
    state: Annotated[Path, typer.Option(help="Folder for config, footage, events and keys.")] = Path("state"),
    source: Annotated[
        str, typer.Option(help="First camera when no config exists: rtsp://…, /dev/video0, a file, synthetic:")
    ] = "synthetic:",
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Start a camera host here and print its address; the config is <state>/config.toml."""
    from eyespot.cli.first_config import ensure_config
    from eyespot.cli.host import run_host

    config = ensure_config(state, source)
    run_host(config, state, for_s=for_s, json_line=json_line)
