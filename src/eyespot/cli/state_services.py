"""The services of a state folder, for commands; and what one of them may do, in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from eyespot.contracts.service import Manifest
    from eyespot.edge.services.granted import Granted
    from eyespot.edge.services.installed import Installed


@contextmanager
def services_of(state: Path) -> "Iterator[Installed]":
    """The services of ``state``; raises ``INVALID`` for another user, whose files the host could not use."""
    import os

    from eyespot.edge.layout import StateLayout
    from eyespot.edge.services.installed import Installed
    from eyespot.edge.services.store import ServiceStore
    from eyespot.kernel.errors import invalid

    if not state.is_dir():
        raise invalid(f"There is no state folder {state}.", "Name the host's with --state.")
    if state.stat().st_uid != os.geteuid():
        raise invalid(f"{state} belongs to another user.", "Run this as the user that the host runs as: sudo -u USER.")
    layout = StateLayout.of(state)
    store = ServiceStore(layout.services_db)
    try:
        yield Installed(layout, store)
    finally:
        store.close()


def tell_powers(manifest: "Manifest", granted: "Granted") -> None:
    """Print what a service with this manifest can see, use and send."""
    from eyespot.edge.services.granted import in_words

    tell_words(in_words(manifest, granted))


def tell_words(words: Mapping[str, Sequence[str]]) -> None:
    """Print what ``granted.in_words`` says."""
    for what, lines in words.items():
        typer.echo(f"It can {what}:")
        for line in lines:
            typer.echo(f"  {line}")
