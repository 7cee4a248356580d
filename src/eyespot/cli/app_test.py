"""`eyespot app test`: footage is replayed to a service, confined, and what it says is compared with its tests."""

from pathlib import Path
from typing import Annotated, Any

import typer

FAILED = 1
TENTHS = 10


def run_tests(
    folder: Annotated[Path, typer.Argument(help="Folder of the service; its tests are tests/NAME.toml.")] = Path(),
    only: Annotated[str, typer.Option(help="Name of the one test to run.")] = "",
    json_line: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML to this file.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder for clips of what differs; default: in the cache.")] = None,
) -> None:
    """Replay footage to a service as fast as it goes, confined, and compare its events with what its tests expect."""
    import asyncio
    import json
    import logging
    import sys

    from eyespot.contracts.service import read_manifest
    from eyespot.edge.apps_dev.expectations import read_cases
    from eyespot.edge.apps_dev.suite import Suite
    from eyespot.edge.apps_dev.verdict_report import as_document, as_junit, as_text
    from eyespot.kernel.clock import SystemClock
    from eyespot.kernel.config import cache_dir

    logging.basicConfig(level=logging.ERROR)
    manifest = read_manifest(folder)
    name = manifest.service.name
    cases = read_cases(folder, manifest.permissions.emit, only)
    suite = Suite(folder, cache_dir() / "models", keep or cache_dir() / "app-test" / name, SystemClock())
    results = []
    for case_name, case in cases.items():
        with typer.progressbar(length=round(case.seconds * TENTHS), label=case_name, file=sys.stderr) as bar:

            def progress(at_s: float, bar: Any = bar) -> None:
                bar.update(round(at_s * TENTHS) - bar.pos)

            result = asyncio.run(suite.run(case_name, case, progress))
        results.append(result)
        if not json_line:
            typer.echo(as_text(result))
    if json_line:
        typer.echo(json.dumps(as_document(results)))
    if junit is not None:
        junit.write_bytes(as_junit(name, results))
    if not all(result.passed for result in results):
        raise typer.Exit(FAILED)
