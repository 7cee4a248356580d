"""`eyespot app install` and `logs`: from a folder to a service of a host, with the owner's consent."""

from pathlib import Path
from typing import Annotated

import typer

State = Annotated[Path, typer.Option(help="State folder of the host, which may be running.")]
_DEFAULT = Path("/var/lib/eyespot")


def install(
    source: Annotated[
        Path, typer.Argument(help="Folder of the service, .eyespot-app file or OCI image archive.")
    ] = Path(),
    camera: Annotated[str, typer.Option(help="Camera that stands for * in its views.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: State = _DEFAULT,
) -> None:
    """Show what a service could see, use and send, ask, and install it; a folder is packed first."""
    import tempfile

    from eyespot.cli.state_services import services_of, tell_powers
    from eyespot.edge.apps_dev.package import build

    with tempfile.TemporaryDirectory(prefix="eyespot-app-") as made, services_of(state) as installed:
        package = build(source, Path(made)).path if source.is_dir() else source
        with installed.opened(package) as candidate:
            service = candidate.manifest.service
            granted = installed.would_grant(candidate.manifest, camera)
            typer.echo(f"{service.title} ({service.name} {service.version}). {service.summary}".rstrip())
            typer.echo(f"sha256 {candidate.sha256}")
            if candidate.image is not None:
                typer.echo(f"It is the image {candidate.image.pin.manifest}.")
            tell_powers(candidate.manifest, granted)
            if not yes:
                typer.confirm("Install it?", abort=True)
            row = installed.install(candidate.folder, camera, granted=granted)
    typer.echo(f"Installed {row.name} {row.version}; a running host starts it within seconds.")


def logs(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    state: State = _DEFAULT,
) -> None:
    """Print a service's output, each line with its time; also of one that has ended."""
    from eyespot.cli.service_logs import print_logs

    print_logs(state, name, follow=follow)
