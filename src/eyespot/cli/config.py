"""`eyespot config …`: check, show and explain the configuration."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check, show and explain the configuration.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The config file.")]
_DEFAULT = Path("/etc/eyespot/config.toml")


@app.command()
def check(file: File = _DEFAULT) -> None:
    """Say whether the file is in order, or every mistake and its place."""
    from eyespot.edge.config_file import load_config

    config = load_config(file)
    typer.echo(f"{file}: in order, {len(config.camera)} camera(s), {len(config.enabled_cameras)} switched on.")


@app.command()
def show(file: File = _DEFAULT) -> None:
    """Print the settings in force as JSON, defaults filled in, passwords masked."""
    from eyespot.edge.config_file import load_config
    from eyespot.kernel.log import mask_credentials

    typer.echo(mask_credentials(load_config(file).model_dump_json(indent=2)))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the config document."""
    import json

    from eyespot.edge.config import CameraHostConfig

    typer.echo(json.dumps(CameraHostConfig.model_json_schema(), indent=2))
