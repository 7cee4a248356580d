"""`eyespot models compile`: new variants of a package for other silicon, judged and described."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from eyespot.infer.package import DOCUMENT, ModelPackage, Variant
from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import invalid

_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")


def compile_(
    name: Annotated[str, typer.Argument(metavar="PACKAGE", help="A package's name, or its folder.")],
    target: Annotated[
        list[str], typer.Option(help="litert-int8, openvino, ethos-u55-128, ethos-u65-256, ethos-u85-256…; repeat it.")
    ],
    size: Annotated[str, typer.Option(help="Picture size, width x height: LiteRT and Ethos-U have one.")] = "416x320",
    folder: Annotated[Path | None, typer.Option("--dir", help="Folder of model packages.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Compile a package for other silicon; toolchains are installed apart, on first use."""
    from eyespot.cli.model_footage import PersonJudge, sample_footage
    from eyespot.infer.zoo.build import Tools
    from eyespot.infer.zoo.compile.service import Job, compile_package
    from eyespot.infer.zoo.compile.targets import find_target
    from eyespot.kernel.clock import SystemClock

    targets = list(dict.fromkeys(find_target(item) for item in target))
    path = Path(name) if "/" in name or (Path(name) / DOCUMENT).exists() else _models(folder) / name
    package = ModelPackage.load(path)
    width_px, height_px = _size(size, package)
    clip = cache_dir() / "footage" / "vtest.avi"
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=1.0)
        tools = Tools(
            footage=lambda: sample_footage(clip, width_px, height_px),
            judge=PersonJudge(),
            clock=SystemClock(),
            step=lambda text, part: bar.update(task, description=text, completed=part),
        )
        package = compile_package(Job(package, targets, cache_dir()), tools)
    made = [item for item in package.document.variants if item.name in targets]
    Console().print(_table(made))
    if json_line:
        variants = [item.model_dump(mode="json", exclude_none=True) for item in made]
        typer.echo(json.dumps({"package": package.name, "variants": variants}))


def _models(folder: Path | None) -> Path:
    return folder if folder is not None else cache_dir() / "models"


def _size(text: str, package: ModelPackage) -> tuple[int, int]:
    """Width and height in pixels; raises ``INVALID`` when the package cannot run at them."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise invalid(f"'{text}' is no size.", "Give width x height, for example 416x320.")
    width_px, height_px = int(found[1]), int(found[2])
    declared = package.document.input
    multiple = declared.multiple_px
    fits = multiple and width_px % multiple == 0 and height_px % multiple == 0
    if not fits and (width_px, height_px) != (declared.width_px, declared.height_px):
        allowed = f"multiples of {multiple}" if multiple else f"{declared.width_px}x{declared.height_px} only"
        raise invalid(f"Model package {package.name} cannot run at {text}.", f"It takes {allowed}.")
    return width_px, height_px


def _table(variants: list[Variant]) -> Table:
    table = Table("variant", "size", "MB", "AP50", "ms", "on NPU", "SRAM", "DRAM", "flash", padding=(0, 0))
    table.caption = "AP50: against the float32 network. Memory in MiB."
    for item in variants:
        seen, told = item.accuracy, item.estimate
        memory = (told.sram_bytes, told.dram_bytes, told.flash_bytes) if told else ()
        table.add_row(
            item.name,
            f"{item.width_px}x{item.height_px}" if item.width_px else "any",
            f"{item.size_bytes / 1e6:.1f}",
            f"{seen.agreement_ap50:.3f}" if seen and seen.agreement_ap50 is not None else "-",
            ", ".join(f"{row.ms:.1f}{'' if row.origin == 'measured here' else ' est.'}" for row in item.latency),
            f"{told.npu_operations} of {told.npu_operations + told.cpu_operations}" if told else "-",
            *(f"{value / 2**20:.1f}" for value in memory),
        )
    return table
