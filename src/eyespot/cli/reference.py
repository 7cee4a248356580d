"""The command reference: every command's own help as one page. `make reference` writes it, a test compares it."""

from collections.abc import Iterator
from typing import Any

import typer

from eyespot.cli.main import add_heavy, app

_WIDTH = 100
_HEAD = (
    "# Command reference\n\nThe program's own help, written by `make reference`. What the commands are for: "
    "[Command line](cli.md).\n"
)


def reference() -> str:
    """The page."""
    add_heavy()
    return _HEAD + "".join(_sections(typer.main.get_command(app), "eyespot", None))


def _sections(command: Any, path: str, parent: Any) -> Iterator[str]:
    context = command.make_context(
        path.rpartition(" ")[2],
        [],
        parent=parent,
        resilient_parsing=True,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
    )
    yield f"\n## {path}\n\n```text\n{command.get_help(context).strip()}\n```\n"
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield from _sections(child, f"{path} {name}", context)


if __name__ == "__main__":
    print(reference(), end="")
