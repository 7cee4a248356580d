"""`eyespot services …`: functions that are published to this camera; what they may see, use and send."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eyespot.cli.service_network import network
from eyespot.cli.services_grant import grant, revoke
from eyespot.cli.state_services import services_of, tell_powers, tell_words

if TYPE_CHECKING:
    from eyespot.contracts.service import Host
    from eyespot.edge.services.installed import Installed
    from eyespot.edge.services.store import Row

app = typer.Typer(help="Install, show and remove services of a camera host.", no_args_is_help=True)
app.command("grant")(grant)
app.command("revoke")(revoke)
app.command("network")(network)

Name = Annotated[str, typer.Argument(help="Name of the service.")]
State = Annotated[Path, typer.Option(help="State folder of the host, which may be running.")]
JsonLine = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
_DEFAULT = Path("/var/lib/eyespot")


@app.command("list")
def list_services(state: State = _DEFAULT, json_line: JsonLine = False) -> None:
    """Show every installed service and its last state, and the built-in ones that are not installed."""
    from eyespot.edge.services.builtin import built_in

    with services_of(state) as installed:
        found = [_short(installed, row) for row in installed.store.rows()]
    found += [_off(folder) for name, folder in built_in().items() if name not in {one["name"] for one in found}]
    if json_line:
        typer.echo(json.dumps(found))
        return
    for one in found:
        typer.echo(f"{one['name']:<32} {one['version']:<12} {one['state']:<10} {one['why']}".rstrip())


@app.command("show")
def show(
    name: Name,
    state: State = _DEFAULT,
    samples: Annotated[
        Path | None, typer.Option(help="Write a frame of each of its views there, as it is cut now; needs the host.")
    ] = None,
    json_line: JsonLine = False,
) -> None:
    """Show what a service can see, use and send, its settings, its last states and, on a running host, what it used."""
    from dataclasses import asdict

    from eyespot.cli.service_network import connections_of, tell_connections
    from eyespot.cli.service_now import now_in_words, now_of
    from eyespot.cli.service_samples import write_samples
    from eyespot.contracts.settings_schema import with_defaults
    from eyespot.edge.services.granted import definite_views, in_words
    from eyespot.edge.services.secret_settings import masked

    with services_of(state) as installed:
        row = installed.store.get(name)
        checked = installed.check(row)
        words = in_words(checked.manifest, row.granted)
        states = [asdict(moment) for moment in installed.store.states(name)]
        schema = checked.manifest.config
        settings = masked(schema, with_defaults(schema, row.settings or {}))
        document = {**_short(installed, row), **words, "settings": settings, "states": states}
        document["image"] = checked.pin.manifest if checked.pin else None
    now = now_of(state, name)
    document["connections"] = connections_of(state, name)
    written = write_samples(state, definite_views(checked.manifest, row.granted), samples) if samples else []
    if json_line:
        typer.echo(json.dumps({**document, "now": now, "samples": written}))
        return
    typer.echo(f"{name} {row.version}: {document['state']} {document['why']}".rstrip())
    if document["image"]:
        typer.echo(f"It is the image {document['image']}.")
    tell_words(words)
    typer.echo(f"Settings: {json.dumps(document['settings'])}")
    for line in now_in_words(now) if now else ():
        typer.echo(line)
    tell_connections(document["connections"], 10)
    for line in written:
        typer.echo(f"Sample of {line}")


@app.command("install")
def install(
    source: Annotated[
        Path, typer.Argument(help="Folder with service.toml, .eyespot-app file, OCI image archive, or builtin:NAME.")
    ],
    camera: Annotated[str, typer.Option(help="Camera that stands for * in its views.")] = "",
    host: Annotated[
        str, typer.Option(help="Where: process, container (images: always), or (built-in alone, unconfined) inline.")
    ] = "",
    state: State = _DEFAULT,
) -> None:
    """Install a service, or its new version, granting what it asks for; a running host starts it within seconds."""
    from eyespot.edge.services.builtin import find_source

    with services_of(state) as installed:
        row = installed.install(find_source(source), camera, host=_host(host))
        checked = installed.check(row)
    typer.echo(f"Installed {row.name} {row.version}.")
    if checked.pin is not None:
        typer.echo(f"It is the image {checked.pin.manifest}.")
    tell_powers(checked.manifest, row.granted)


@app.command("remove")
def remove(name: Name, state: State = _DEFAULT) -> None:
    """Remove a service, its settings and its storage."""
    with services_of(state) as installed:
        installed.remove(name)
    typer.echo(f"Removed {name}.")


@app.command("enable")
def enable(name: Name, state: State = _DEFAULT) -> None:
    """Let a service run, also one that has failed."""
    with services_of(state) as installed:
        installed.enable(name, enabled=True)


@app.command("disable")
def disable(name: Name, state: State = _DEFAULT) -> None:
    """Stop a service and leave it installed."""
    with services_of(state) as installed:
        installed.enable(name, enabled=False)


@app.command("rollback")
def rollback(name: Name, state: State = _DEFAULT) -> None:
    """Go back to the version that was installed before; once more, and the newer one is back."""
    with services_of(state) as installed:
        row = installed.go_back(name)
    typer.echo(f"{name} is {row.version} now.")


@app.command("config")
def config(
    name: Name,
    settings: Annotated[str, typer.Argument(help='All its settings as JSON, for example {"limit": 5}.')],
    state: State = _DEFAULT,
) -> None:
    """Set a service's settings; it is told at once, without a restart. A secret written *** stays what it was."""
    from eyespot.edge.services.secret_settings import unmasked
    from eyespot.kernel.errors import invalid

    try:
        wanted = json.loads(settings)
    except ValueError as error:
        raise invalid(f"The settings are not JSON: {error}.", "Write for example: '{\"limit\": 5}'") from error
    if not isinstance(wanted, dict):
        raise invalid("The settings are not a JSON object.", "Write for example: '{\"limit\": 5}'")
    with services_of(state) as installed:
        row = installed.store.get(name)
        installed.configure(name, unmasked(installed.check(row).manifest.config, wanted, row.settings))


@app.command("logs")
def logs(name: Name, state: State = _DEFAULT) -> None:
    """Print the newest lines of a service's output, each with its time; also of one that has ended."""
    from eyespot.cli.service_logs import print_logs

    print_logs(state, name, follow=False)


def _host(word: str) -> "Host | None":
    from eyespot.kernel.errors import invalid

    match word:
        case "":
            return None
        case "inline" | "process" | "container":
            return word
    raise invalid(f"There is no host '{word[:40]}' for services.", "Choose process, container or inline.")


def _off(folder: Path) -> dict[str, Any]:
    from eyespot.contracts.service import read_manifest

    about = read_manifest(folder).service
    why = f"{about.summary} To switch it on: eyespot services install builtin:{about.name} --camera ID"
    return {"name": about.name, "version": about.version, "enabled": False, "state": "built-in", "why": why}


def _short(installed: "Installed", row: "Row") -> dict[str, Any]:
    states = installed.store.states(row.name)
    last = states[-1] if states else None
    return {
        "name": row.name, "version": row.version, "enabled": row.enabled,
        "state": last.state if last else "installed", "why": last.why if last else "",
    }  # fmt: skip
