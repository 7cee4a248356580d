"""`eyespot bench NAME`: run a benchmark, show its table, and with --json end with one line of JSON."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Protocol, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from eyespot.bench.report import BenchOptions, Report
from eyespot.bench.report import Progress as BenchProgress
from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import invalid

NAMES = (
    "pipeline",
    "camera",
    "track",
    "scale",
    "record",
    "infer",
    "share",
    "schedule",
    "frames",
    "services",
    "isp",
    "functions",
)


class _Bench(Protocol):
    def run(self, options: BenchOptions, progress: BenchProgress) -> Report: ...


class _RichProgress:
    """Steps and a bar on standard error, so that standard output holds results alone."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=1.0)

    def step(self, text: str) -> None:
        self._bar.reset(self._task, description=text, total=1.0)

    def fraction(self, done: float) -> None:
        self._bar.update(self._task, completed=min(1.0, done))


def bench(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(NAMES)}.")],
    json_line: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    video: Annotated[Path | None, typer.Option(help="A clip of your own.")] = None,
    truth: Annotated[Path | None, typer.Option("--gt", help="Its ground truth, in MOTChallenge format.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of each measured window.")] = None,
    rounds: Annotated[int, typer.Option(help="How often each contender runs; medians are reported.")] = 3,
    quick: Annotated[bool, typer.Option(help="A short smoke run; do not quote its figures.")] = False,
) -> None:
    """Measure Eyespot side by side with the alternative, on this machine."""
    if name not in NAMES:
        raise invalid(f"There is no bench '{name}'.", f"Choose one of: {', '.join(NAMES)}.")
    options = BenchOptions(cache_dir(), video, truth, seconds, rounds, quick)
    module = cast(_Bench, import_module(f"eyespot.bench.{name}"))
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        report = module.run(options, _RichProgress(bar))
    _show(report)
    if json_line:
        print(report.json_line(), flush=True)


def _show(report: Report) -> None:
    console = Console()
    if report.rows:
        table = Table(*report.rows[0], title=f"bench {report.name}")
        for row in report.rows[1:]:
            table.add_row(*row)
        console.print(table)
    for figure, target in report.targets.items():
        value = report.figures.get(figure)
        word = "met" if target.is_met(value) else "NOT met"
        console.print(f"{figure} = {value} (goal {'≥' if target.sense == 'min' else '≤'} {target.value}): {word}")
    for note in report.notes:
        console.print(note, style="dim")
