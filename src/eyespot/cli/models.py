"""`eyespot models …`: make the model zoo, and look at model packages."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from eyespot.cli.models_compile import compile_
from eyespot.cli.models_fit import fit
from eyespot.infer.package import DOCUMENT, ModelPackage, Variant
from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import EyespotError, not_found

app = typer.Typer(help="Build and inspect model packages.", no_args_is_help=True)
app.command("compile")(compile_)
app.command("fit")(fit)

Folder = Annotated[Path | None, typer.Option("--dir", help="Folder of model packages; default: the shared cache.")]


@app.command()
def build(
    folder: Folder = None,
    offline: Annotated[bool, typer.Option(help="Use the cache alone, never the network.")] = False,
) -> None:
    """Fetch, convert, verify and quantise the zoo's models; keeps what is built."""
    from eyespot.infer.zoo.recipe import NAME, is_built

    models = _models(folder)
    if is_built(models / NAME, with_int8=sample_clip().exists()):
        typer.echo(f"{NAME} is built: {models / NAME}")
        return
    _build(models, offline=offline)


def sample_clip() -> Path:
    """Where the sample clip is, once scripts/sample-clip has fetched it."""
    return cache_dir() / "footage" / "vtest.avi"


def _build(models: Path, *, offline: bool) -> None:
    from eyespot.cli.model_footage import PersonJudge, sample_footage
    from eyespot.infer.zoo.build import Tools, build_package
    from eyespot.kernel.clock import SystemClock

    columns = TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=1.0)
        tools = Tools(
            footage=lambda: sample_footage(sample_clip()),
            judge=PersonJudge(),
            clock=SystemClock(),
            step=lambda text, part: bar.update(task, description=text, completed=part),
        )
        package = build_package(models, cache_dir() / "zoo", tools, offline=offline)
    typer.echo(f"{package.name} is built: {package.folder}")
    if len(package.document.variants) == 1:
        typer.echo("Without the sample footage there is no INT8 variant: run scripts/sample-clip and build again.")


@app.command("list")
def list_packages(folder: Folder = None) -> None:
    """List the packages in the folder, broken ones with what is wrong."""
    models = _models(folder)
    table = Table("package", "task", "input", "variants", "licence")
    for path in sorted(item.parent for item in models.glob(f"*/{DOCUMENT}")):
        try:
            document = ModelPackage.load(path).document
        except EyespotError as error:
            table.add_row(path.name, "broken", error.what, "", "")
            continue
        names = ", ".join(item.name for item in document.variants)
        size = f"{document.input.width_px}x{document.input.height_px} {document.input.order}"
        table.add_row(document.name, document.task, size, names, document.licence)
    if not table.row_count:
        raise not_found(f"There is no model package in {models}.", "Run `eyespot models build`.")
    Console().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A package's name, or its folder.")], folder: Folder = None) -> None:
    """Show a package: where it is from, its variants, how good and how fast they are, and which one would run."""
    from eyespot.infer.session import choices

    package = _find(name, folder)
    document = package.document
    typer.echo(f"{document.name} {document.version}: {document.task}, head {document.head}, {document.licence}")
    typer.echo(f"labels: {len(document.labels)}, input {document.input.width_px}x{document.input.height_px}")
    typer.echo(f"source: {document.provenance.source}; {document.provenance.upstream}")
    table = Table("variant", "MB", "agreement AP50", "AP50", "latency (ms, one thread)")
    for variant in document.variants:
        seen = variant.accuracy
        speed = ", ".join(f"{row.accelerator} {row.ms:.1f} ({row.origin})" for row in variant.latency)
        figures = [
            f"{value:.3f}" if value is not None else "-" for value in (seen and seen.agreement_ap50, seen and seen.ap50)
        ]
        table.add_row(variant.name, f"{variant.size_bytes / 1e6:.1f}", *figures, speed or "-")
    Console().print(table)
    typer.echo(f"here: {choices(package)[0].reason}")


@app.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="A package's name or folder; default: all packages.")] = None,
    folder: Folder = None,
) -> None:
    """Check packages: document, files, digests, and that each variant really runs and its head reads it."""
    models = _models(folder)
    names = [name] if name else sorted(item.parent.name for item in models.glob(f"*/{DOCUMENT}"))
    if not names:
        raise not_found(f"There is no model package in {models}.", "Run `eyespot models build`.")
    for item in names:
        package = _find(item, folder)
        for line in check_package(package):
            typer.echo(line)


def check_package(package: ModelPackage) -> list[str]:
    """Run every variant once on a made-up picture and read it with its head; one line a variant that is well.

    Raises ``EyespotError`` that says exactly what is wrong with the first that is not.
    """
    import numpy as np

    from eyespot.hal.accelerators.chooser import known
    from eyespot.hal.accelerators.contract import reads
    from eyespot.infer.session import open_session
    from eyespot.vision.heads.registry import find_head

    head = find_head(package.head)
    lines = []
    for variant in package.document.variants:
        if variant.estimate is not None:
            lines.append(_check_compiled(package, variant))
            continue
        if not any(reads(item, package.path(variant)) and item.available() for item in known()):
            lines.append(f"{package.name}: {variant.name} has the right digest; nothing here runs it")
            package.verify(variant)
            continue
        size_px = (variant.height_px, variant.width_px) if variant.height_px and variant.width_px else None
        session = open_session(package, variant=variant.name, size_px=size_px)
        height_px, width_px = session.input_px
        outputs = session.run(np.zeros((height_px, width_px, 3), np.uint8))
        head(
            outputs,
            labels=package.labels,
            score_threshold=0.3,
            capture_ns=0,
            aspect=width_px / height_px,
            input_px=session.input_px,
        )
        session.close()
        lines.append(f"{package.name}: {variant.name} is well ({session.choice.accelerator.name})")
    return lines


def _check_compiled(package: ModelPackage, variant: Variant) -> str:
    """Decode a file for silicon that is not here; raises ``CORRUPT`` with what is wrong."""
    from eyespot.infer.zoo.compile.artefact import decode

    found = decode(package.verify(variant).read_bytes())
    return f"{package.name}: {variant.name} is whole ({found.stream_words} words for {found.macs} MACs a cycle)"


def _models(folder: Path | None) -> Path:
    return folder if folder is not None else cache_dir() / "models"


def _find(name: str, folder: Path | None) -> ModelPackage:
    """The package called ``name`` in the folder of packages, or the one at path ``name``."""
    path = Path(name)
    if "/" in name or (path / DOCUMENT).exists():
        return ModelPackage.load(path)
    return ModelPackage.load(_models(folder) / name)
