"""`eyespot outputs …`: the relays and lamps of a running host, switched over its bus by whoever may read its state."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eyespot.contracts.output import OutputReport, OutputRequest, OutputsReport

app = typer.Typer(help="Show, switch and pulse the outputs of a running host.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the output, as in the config.")]
State = Annotated[Path, typer.Option(help="State folder of the running host.")]
JsonLine = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
_DEFAULT = Path("/var/lib/eyespot")


@app.command("list")
def list_outputs(state: State = _DEFAULT, json_line: JsonLine = False) -> None:
    """Show every output and its state."""
    from eyespot.contracts.output import OutputRequest

    report = _ask(state, OutputRequest(do="list"))
    if json_line:
        typer.echo(report.model_dump_json())
        return
    if not report.outputs:
        typer.echo("This host has no outputs: add [[output]] to its config.")
    for output in report.outputs:
        typer.echo(_line(output))


@app.command("set")
def set_output(
    name: Name,
    to: Annotated[str, typer.Argument(help="on or off.", metavar="on|off")],
    state: State = _DEFAULT,
) -> None:
    """Turn an output on or off until further notice."""
    from eyespot.contracts.output import OutputRequest
    from eyespot.kernel.errors import invalid

    if to not in ("on", "off"):
        raise invalid(f"'{to}' is neither on nor off.", f"Write: eyespot outputs set {name} on")
    _tell(state, _request(OutputRequest, do="set", name=name, on=to == "on"))


@app.command("pulse")
def pulse_output(
    name: Name,
    seconds: Annotated[float | None, typer.Argument(help="How long; default: as the output's settings say.")] = None,
    state: State = _DEFAULT,
) -> None:
    """Let an output leave its rest state for a while."""
    from eyespot.contracts.output import OutputRequest

    _tell(state, _request(OutputRequest, do="pulse", name=name, seconds=seconds))


def _request(model: "type[OutputRequest]", **values: object) -> "OutputRequest":
    from pydantic import ValidationError

    from eyespot.kernel.config import explain

    try:
        return model.model_validate({"by": "the command line", **values})
    except ValidationError as error:
        raise explain(error, model, "eyespot outputs") from error


def _tell(state: Path, request: "OutputRequest") -> None:
    for output in _ask(state, request).outputs:
        if output.name == request.name:
            typer.echo(_line(output))


def _ask(state: Path, request: "OutputRequest") -> "OutputsReport":
    import asyncio

    from eyespot.bus import nats, subjects
    from eyespot.contracts.output import OutputsReport

    async def asked() -> bytes:
        bus = await nats.connect(state.absolute() / "run", "operator", wait_s=5.0)
        try:
            return await bus.request(subjects.control("media"), request.model_dump_json().encode())
        finally:
            await bus.close()

    return OutputsReport.model_validate_json(asyncio.run(asked()))


def _line(output: "OutputReport") -> str:
    state = {True: "on", False: "off", None: "?"}[output.on]
    notes = [output.kind, *(["pulsing"] if output.pulsing else []), f"{output.pulses} pulses"]
    if output.skipped:
        notes.append(f"{output.skipped} skipped")
    wrong = f"\n  → {output.error}" if output.error else ""
    return f"{output.name:<20} {state:<4} {', '.join(notes)}{wrong}"
