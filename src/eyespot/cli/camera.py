"""`eyespot camera …`: run a camera host."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run a camera host.", no_args_is_help=True)


@app.callback()
def camera() -> None:
    """Run a camera host."""


@app.command()
def run(
    config: Annotated[Path, typer.Option(help="The config file.")] = Path("/etc/eyespot/config.toml"),
    state: Annotated[Path, typer.Option(help="Folder for footage, events and keys.")] = Path("/var/lib/eyespot"),
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Record, see and serve until stopped (Ctrl-C or SIGTERM)."""
    from eyespot.cli.host import run_host

    run_host(config, state, for_s=for_s, json_line=json_line)
