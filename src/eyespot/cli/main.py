"""The `eyespot` program: finds the command, runs it, and turns errors into one message and an exit status.

Each command lives in its own file and imports what it needs when it is called, so that `eyespot version` is quick.
"""

import sys
from importlib import import_module

import typer

from eyespot.cli import app as app_command
from eyespot.cli import board, camera, config, demo, doctor, imaging, outputs, services, up, version
from eyespot.kernel.errors import EyespotError

app = typer.Typer(
    name="eyespot",
    help="Eyespot: software-defined cameras on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("up")(up.up)
app.add_typer(camera.app, name="camera")
app.command("doctor")(doctor.doctor)
app.command("board")(board.board)
app.command("imaging")(imaging.imaging)
app.add_typer(outputs.app, name="outputs")
app.add_typer(app_command.app, name="app")
app.add_typer(services.app, name="services")
app.add_typer(config.app, name="config")
app.command("demo")(demo.demo)
app.command("version")(version.version)

_WITH_OWN_IMPORTS = ("models", "bench")


def main() -> None:
    """Entry point of the `eyespot` script."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted in (*_WITH_OWN_IMPORTS, "", "--help"):
        add_heavy()
    try:
        app()
    except EyespotError as error:
        print(f"eyespot: {error.what}", file=sys.stderr)
        if error.todo:
            print(f"  → {error.todo}", file=sys.stderr)
        sys.exit(error.kind.value.exit_code)


def add_heavy() -> None:
    """Commands whose modules take long to import are added only when they are asked for."""
    app.add_typer(import_module("eyespot.cli.models").app, name="models")
    app.command("bench")(import_module("eyespot.cli.bench").bench)


if __name__ == "__main__":
    main()
