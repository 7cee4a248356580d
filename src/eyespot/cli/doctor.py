"""`eyespot doctor`: look at everything a camera host needs, and say what to do about what is missing."""

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    config: Annotated[Path | None, typer.Option(help="Config file to look at too.")] = None,
    state: Annotated[Path, typer.Option(help="State folder.")] = Path("state"),
    json_line: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Check this machine; the exit status is 1 when something essential is missing."""
    import json

    from eyespot.edge.doctor import examine

    findings = examine(config, state)
    failed = any(finding.level == "error" for finding in findings)
    if json_line:
        document = {"ok": not failed, "checks": [finding.document() for finding in findings]}
        typer.echo(json.dumps(document))
    else:
        for finding in findings:
            typer.echo(f"{_MARKS[finding.level]} {finding.name:<14} {finding.what}")
            if finding.todo:
                typer.echo(f"                   → {finding.todo}")
    raise typer.Exit(1 if failed else 0)


_MARKS = {"ok": "✓", "hint": "·", "warning": "!", "error": "✗"}
