"""`eyespot version`."""

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version

import typer


def version() -> None:
    """Say which Eyespot, Python and system this is."""
    typer.echo(
        f"eyespot {own_version()} (Python {platform.python_version()}, {platform.system()} {platform.machine()})"
    )


def own_version() -> str:
    """The installed version."""
    try:
        return package_version("eyespot")
    except PackageNotFoundError:
        return "unknown"
