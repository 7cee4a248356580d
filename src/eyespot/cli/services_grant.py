"""`eyespot services grant` and `revoke`: what a service may do is changed while it is installed, and at once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eyespot.contracts.service import Manifest
    from eyespot.edge.services.grant_change import Named
    from eyespot.edge.services.granted import Granted

Name = Annotated[str, typer.Argument(help="Name of the service.")]
Views = Annotated[list[str] | None, typer.Option("--view", help="A view, by its name; may be given again.")]
Models = Annotated[list[str] | None, typer.Option("--model", help="A model package that it may run.")]
Read = Annotated[list[str] | None, typer.Option("--read", help="What it may listen to: tracks, events or zones.")]
Emit = Annotated[list[str] | None, typer.Option("--emit", help="A kind of event that it may make.")]
Record = Annotated[list[str] | None, typer.Option("--record", help="A kind of event that may start recordings.")]
Ask = Annotated[list[str] | None, typer.Option("--ask", help="A service that it may send requests to.")]
Outputs = Annotated[list[str] | None, typer.Option("--output", help="An output that it may switch.")]
Network = Annotated[list[str] | None, typer.Option("--network", help="A destination, host:port.")]
State = Annotated[Path, typer.Option(help="State folder of the host, which may be running.")]
_DEFAULT = Path("/var/lib/eyespot")


def grant(
    name: Name,
    view: Views = None,
    model: Models = None,
    read: Read = None,
    emit: Emit = None,
    record: Record = None,
    ask: Ask = None,
    output: Outputs = None,
    network: Network = None,
    camera: Annotated[str, typer.Option(help="Camera that stands for * in its views from now on.")] = "",
    state: State = _DEFAULT,
) -> None:
    """Grant a service more of what it asks for; it is started anew with that."""
    from eyespot.edge.services.grant_change import with_more

    named = _named(view, model, read, emit, record, ask, output, network)
    _change(state, name, lambda manifest, granted: with_more(manifest, granted, named, camera=camera))


def revoke(
    name: Name,
    view: Views = None,
    model: Models = None,
    read: Read = None,
    emit: Emit = None,
    record: Record = None,
    ask: Ask = None,
    output: Outputs = None,
    network: Network = None,
    everything: Annotated[bool, typer.Option("--all", help="Take back all that it was granted.")] = False,
    state: State = _DEFAULT,
) -> None:
    """Take back some of what a service was granted; within seconds it is started anew without that."""
    from eyespot.edge.services.grant_change import with_less, with_nothing

    named = _named(view, model, read, emit, record, ask, output, network)
    if everything:
        _change(state, name, with_nothing)
    else:
        _change(state, name, lambda manifest, granted: with_less(manifest, granted, named))


def _named(
    views: list[str] | None,
    models: list[str] | None,
    read: list[str] | None,
    emit: list[str] | None,
    record: list[str] | None,
    ask: list[str] | None,
    outputs: list[str] | None,
    network: list[str] | None,
) -> "Named":
    return {
        "views": tuple(views or ()), "models": tuple(models or ()), "read": tuple(read or ()),
        "emit": tuple(emit or ()), "record": tuple(record or ()), "ask": tuple(ask or ()),
        "outputs": tuple(outputs or ()), "network": tuple(network or ()),
    }  # fmt: skip


def _change(state: Path, name: str, changed: "Callable[[Manifest, Granted], Granted]") -> None:
    from eyespot.cli.state_services import services_of, tell_powers

    with services_of(state) as installed:
        checked = installed.check(installed.store.get(name))
        row = installed.grant(name, changed(checked.manifest, checked.row.granted))
    tell_powers(checked.manifest, row.granted)
