"""`eyespot services network`: what a service sent out of the camera, and what it may."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eyespot.cli.state_services import services_of

if TYPE_CHECKING:
    from eyespot.edge.services.egress.record import Connection

SHOWN = 50


def network(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    state: Annotated[Path, typer.Option(help="State folder of the host, which may be running.")] = Path(
        "/var/lib/eyespot"
    ),
    json_line: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show where a service may connect to and its newest connections, refused ones too."""
    with services_of(state) as installed:
        row = installed.store.get(name)
        asked = installed.check(row).manifest.permissions.network
    made = connections_of(state, name)
    if json_line:
        typer.echo(json.dumps({"asked": asked, "granted": row.granted.network, "connections": made}))
        return
    for place in asked:
        typer.echo(f"{place}: {'granted' if place in row.granted.network else 'asked for, not granted'}")
    if not asked:
        typer.echo(f"{name} asks for no network.")
    tell_connections(made, SHOWN)


def connections_of(state: Path, name: str) -> list[dict[str, Any]]:
    """The newest connections of a service as they are stored, oldest first."""
    from dataclasses import asdict

    from eyespot.edge.layout import StateLayout
    from eyespot.edge.services.egress.store import EgressStore

    path = StateLayout(state.absolute()).egress_db
    if not path.exists():
        return []
    store = EgressStore(path)
    try:
        return [asdict(found) for found in store.newest(name)]
    finally:
        store.close()


def tell_connections(made: list[dict[str, Any]], most: int) -> None:
    """Print the ``most`` newest connections."""
    from eyespot.edge.services.egress.record import Connection

    if made:
        typer.echo("Connections out of this camera, oldest first:")
    for document in made[-most:]:
        typer.echo(f"  {_line(Connection(**document))}")


def _line(made: "Connection") -> str:
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(made.wall_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    where = f"{made.host}:{made.port}" if made.port else "something that is no destination"
    at = f" at {made.address}" if made.address not in ("", made.host) else ""
    if made.why:
        return f"{when} {where}{at}: {made.outcome}: {made.why}"
    passed = f"{made.sent_bytes} bytes out, {made.received_bytes} in, {made.duration_s:g} s"
    return f"{when} {where}{at}: {made.outcome}, {passed}"
