"""`eyespot models fit`: what packages do on this board or a described one, and which functions fit on it."""

import json
import re
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from eyespot.cli.models_fit_host import HostWants
from eyespot.infer.batch import WORTH
from eyespot.infer.fit.plan import Assignment, Option, Room, Want, plan
from eyespot.infer.package import DOCUMENT, ModelPackage
from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import invalid, not_found

_WANT = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,62}):(\d+(?:\.\d+)?):(-?\d{1,6})(?::([a-z0-9][a-z0-9_-]{0,62}))?")
MAX_WANTS = 256


def fit(
    packages: Annotated[list[str] | None, typer.Argument(metavar="[PACKAGE]...", help="Names or folders.")] = None,
    board: Annotated[Path | None, typer.Option(help="A described board in TOML; default: measure this one.")] = None,
    want: Annotated[
        list[str] | None,
        typer.Option(help="A function, NAME:RATE_HZ:PRIORITY[:PACKAGE]; the highest priority first; repeat it."),
    ] = None,
    host: Annotated[
        Path | None, typer.Option(help="A camera host's config: plan its cameras, all at once; no --want then.")
    ] = None,
    again: Annotated[bool, typer.Option(help="Measure anew what is remembered.")] = False,
    folder: Annotated[Path | None, typer.Option("--dir", help="Folder of model packages.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Show what model packages do on a board, and plan which functions fit at which rates."""
    if host and (packages or want):
        raise invalid("--host names packages and functions itself.", "Leave out PACKAGE and --want.")
    cameras = HostWants(host) if host else None
    models = folder or (cameras.models if cameras else None) or cache_dir() / "models"
    loaded = _packages(cameras.packages if cameras else packages or [], models)
    wants = cameras.wants if cameras else [_want(text, loaded) for text in want or []]
    if len(wants) > MAX_WANTS:
        raise invalid(f"{len(wants)} functions are too many.", f"At most {MAX_WANTS} can be planned at once.")
    options, room, notes = _described(board, loaded) if board else _measured(loaded, again=again)
    if cameras:
        options, room = cameras.options(options, loaded), cameras.room(room)
    assignments = plan(wants, options, room)
    console = Console()
    console.print(_options_table(options))
    if assignments:
        _show_plan(console, assignments)
    for note in notes:
        console.print(note, style="dim")
    if json_line:
        document = {
            "options": [asdict(item) for item in options],
            "room": {"lanes": dict(room.lanes), "memory_bytes": room.memory_bytes},
            "plan": [asdict(item) for item in assignments],
            "notes": notes,
        }
        typer.echo(json.dumps(document))


def _packages(names: list[str], models: Path) -> list[ModelPackage]:
    if not names:
        names = [str(item.parent) for item in sorted(models.glob(f"*/{DOCUMENT}"))]
    if not names:
        raise not_found(f"There is no model package in {models}.", "Run `eyespot models build`.")
    return [ModelPackage.load(Path(name) if "/" in name else models / name) for name in names]


def _want(text: str, packages: list[ModelPackage]) -> Want:
    found = _WANT.fullmatch(text)
    if not found or not 0 < float(found[2]) <= 1000:
        raise invalid(f"'{text}' is no function.", "Give NAME:RATE_HZ:PRIORITY, for example people:10:5.")
    return Want(found[1], found[4] or packages[0].name, float(found[2]), int(found[3]))


def _described(path: Path, packages: list[ModelPackage]) -> tuple[list[Option], Room, list[str]]:
    from eyespot.infer.fit.board_file import load_board

    board = load_board(path)
    options = board.options(packages)
    if not options:
        raise invalid(f"{path} says nothing of {packages[0].name}.", "Add [[accelerators.models]] with ms.")
    return options, board.room(), [f"{board.name}: all figures are estimated or told, none was measured here."]


def _measured(packages: list[ModelPackage], *, again: bool) -> tuple[list[Option], Room, list[str]]:
    from eyespot.cli.model_footage import PersonJudge, sample_footage
    from eyespot.infer.fit.measured import Tools, measure, room_here

    clip = cache_dir() / "footage" / "vtest.avi"
    footage = cache(lambda width_px, height_px: sample_footage(clip, width_px, height_px))
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        tools = Tools(
            cache=cache_dir(),
            footage=footage,
            judge=PersonJudge(),
            step=lambda text, part: bar.update(task, description=text, completed=part),
            again=again,
        )
        options, notes = measure(packages, tools)
    if not options:
        raise invalid(f"Nothing here runs {packages[0].name}: {' '.join(notes)}", "`eyespot board` shows what is here.")
    if not clip.exists():
        notes.append("Accuracy is unknown without real frames: run scripts/sample-clip, then this with --again.")
    if all(item.watts is None for item in options):
        notes.append("Watts are unknown: this machine has no energy counter that can be read.")
    notes += [_batches(item) for item in options if item.batch_ms]
    notes.append(
        "One thread; MB: peak of a process with runtime and model over one without; AP50: against fp32 at full size."
    )
    return options, room_here(), notes


def _options_table(options: list[Option]) -> Table:
    table = Table("variant", "accelerator", "size", "ms", "MB", "AP50", "watts", title="what runs", padding=(0, 0))
    for item in sorted(options, key=lambda each: (each.package, -each.pixels, each.ms)):
        table.add_row(
            f"{item.package}/{item.variant}",
            item.accelerator,
            f"{item.width_px}x{item.height_px}",
            f"{item.ms:.1f}{'' if item.origin == 'measured here' else ' estimated'}",
            _or_dash(item.memory_bytes and item.memory_bytes / 1e6, 0),
            _or_dash(item.agreement, 3),
            _or_dash(item.watts, 1),
        )
    return table


def _batches(item: Option) -> str:
    """What a run of several pictures takes, and for which numbers that is worth it."""
    told = ", ".join(f"{ms:.1f} ms for {count}" for count, ms in item.batch_ms)
    worth = [str(count) for count, ms in item.batch_ms if ms / count <= WORTH * item.ms]
    verdict = f"worth it: {', '.join(worth)}" if worth else "none is worth it"
    where = f"{item.variant} on {item.accelerator} at {item.width_px}x{item.height_px}"
    return f"{where}, pictures at once: {told}; {verdict}."


def _or_dash(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _show_plan(console: Console, assignments: list[Assignment]) -> None:
    table = Table("function", "gets", "of", "share", "runs as", title="plan", padding=(0, 0))
    for item in assignments:
        how = item.option
        table.add_row(
            f"{item.want.name} ({item.want.priority})",
            f"{item.rate_hz:.1f}/s" if how else "off",
            f"{item.want.rate_hz:g}/s",
            f"{100 * item.share:.0f} % of {how.resource}" if how else "-",
            f"{how.variant} on {how.accelerator} at {how.width_px}x{how.height_px}" if how else "-",
        )
    console.print(table)
    for item in assignments:
        if item.reason:
            lost = {"rate": "at a lower rate", "resolution": "at a lower resolution"}.get(item.degraded, "off")
            console.print(f"{item.want.name} is {lost}: {item.reason}.")
