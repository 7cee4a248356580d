"""`eyespot demo`: a camera host on the given source, for a first look. `make demo` calls this."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def demo(
    source: Annotated[
        str, typer.Option(help="rtsp://…, /dev/video0, a file, or synthetic: for a rendered scene.")
    ] = "synthetic:",
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    state: Annotated[Path | None, typer.Option(help="State folder; default: a folder of the cache.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the web app, 0 for any free one.")] = 8450,
) -> None:
    """Run one camera and print the address to open."""
    from eyespot.cli.first_config import write_config
    from eyespot.cli.host import run_host
    from eyespot.kernel.config import cache_dir

    folder = state or cache_dir() / "demo"
    if source.startswith("synthetic:"):
        print("Showing a synthetic scene: no footage was given.", file=sys.stderr)
    config = write_config(folder, source, name="Demo camera", port=port)
    run_host(config, folder, for_s=for_s, json_line=json_line)
