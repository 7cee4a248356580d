"""`eyespot app …`: for those who write services."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write a service.", no_args_is_help=True)


@app.callback()
def app_group() -> None:
    """Write a service."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the service: a-z, 0-9, - and _.")],
    parent: Annotated[Path, typer.Option("--in", help="Where its folder is made.")] = Path(),
) -> None:
    """Make the folder of a new service that works as it is."""
    from eyespot.edge.apps_dev.scaffold import scaffold

    folder = scaffold(name, parent)
    typer.echo(f"{folder} is there.\n  → Its code is {folder / 'app.py'}; how to go on is in docs/guide/sdk.md.")


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Folder of the service.")] = Path(),
    into: Annotated[Path | None, typer.Option("--into", help="Where the file goes; default: the same folder.")] = None,
) -> None:
    """Pack a service into one file, the same byte for byte wherever it is made."""
    from eyespot.edge.apps_dev.package import build as pack

    package = pack(folder, folder if into is None else into)
    typer.echo(f"{package.path}: {package.files} files, {package.size_bytes} bytes\nsha256 {package.digest}")
