"""`eyespot app …`: for those who write services."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eyespot.cli.app_install import install, logs
from eyespot.cli.app_test import run_tests
from eyespot.kernel.errors import invalid

if TYPE_CHECKING:
    from eyespot.edge.apps_dev.package import Package

DEFAULT_STATE = Path("/var/lib/eyespot")
ARCHIVED_S = 30.0
"""So much of an archived moment is played, over and over, where nothing else is said."""

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
    typer.echo(f"{folder} is there.\n  → Its code is {folder / 'app.py'}; how to go on is in docs/guide/apps.md.")


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Folder of the service.")] = Path(),
    into: Annotated[Path | None, typer.Option("--into", help="Where the file goes; default: the same folder.")] = None,
    oci: Annotated[bool, typer.Option("--oci", help="Make an OCI image archive beside it too; as root.")] = False,
    arch: Annotated[str, typer.Option(help="With --oci: amd64, arm64 or both, parted by a comma; default: this.")] = "",
) -> None:
    """Pack a service into one file, the same byte for byte wherever it is made."""
    target = folder if into is None else into
    if oci:
        _build_with_images(folder, target, arch)
        return
    if arch:
        raise invalid("--arch is for images.", "Say --oci too; a package is the same for all machines.")
    from eyespot.edge.apps_dev.package import build as pack

    _say_package(pack(folder, target))


def _build_with_images(folder: Path, into: Path, arch: str) -> None:
    from eyespot.edge.apps_dev.oci.arch import own_arch, parse_arches
    from eyespot.edge.apps_dev.oci.build import build_images
    from eyespot.kernel.config import cache_dir

    arches = parse_arches(arch) if arch else (own_arch(),)
    package, images = build_images(folder, into, arches, cache_dir(), lambda line: typer.echo(line, err=True))
    _say_package(package)
    for image in images:
        typer.echo(f"{image.path}: image for {image.arch.name}, {image.size_bytes} bytes")


def _say_package(package: "Package") -> None:
    typer.echo(f"{package.path}: {package.files} files, {package.size_bytes} bytes\nsha256 {package.digest}")


@app.command("run")
def run_app(
    folder: Annotated[Path, typer.Argument(help="Folder of the service.")] = Path(),
    source: Annotated[
        str, typer.Option(help="rtsp://…, /dev/video0, a file, or synthetic: for a rendered scene.")
    ] = "synthetic:",
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    at: Annotated[str, typer.Option(help="Play what a host recorded then (2026-05-04T13:30:00) instead.")] = "",
    camera: Annotated[str, typer.Option(help="With --at: id of its camera. Else as --source.")] = "",
    archive: Annotated[Path, typer.Option("--state", help="With --at: the host's state folder.")] = DEFAULT_STATE,
) -> None:
    """Try a service out on a host of its own, confined; it is started again whenever a file of it changes."""
    import asyncio
    import tempfile

    from eyespot.cli.first_config import write_config
    from eyespot.contracts.service import read_manifest
    from eyespot.edge.apps_dev.archived import archived_clip, moment_ns
    from eyespot.edge.apps_dev.try_out import TryOut, needs_detection
    from eyespot.edge.layout import StateLayout
    from eyespot.edge.supervisor import Supervisor
    from eyespot.kernel.clock import SystemClock
    from eyespot.kernel.log import setup_logging

    async def tried(state: Path, source: str) -> None:
        config = write_config(state, source, name="Tried out", port=0, detect=needs_detection(read_manifest(folder)))
        stop = asyncio.Event()
        host = Supervisor(config, state, SystemClock())
        following = asyncio.create_task(
            TryOut(folder, StateLayout.of(state), "camera-1", SystemClock(), typer.echo).run(stop)
        )
        try:
            await host.run(asyncio.Event(), for_s)
        finally:
            stop.set()
            await following

    setup_logging("host")
    with tempfile.TemporaryDirectory(prefix="eyespot-app-") as state:
        played = camera or source
        if at:
            clip = Path(state) / "archived.mp4"
            played = str(archived_clip(archive, camera, moment_ns(at), for_s or ARCHIVED_S, clip))
        asyncio.run(tried(Path(state) / "state", played))


app.command("test")(run_tests)
app.command()(install)
app.command()(logs)
