"""Take the speeds out of a model package's ``model.toml``: they were measured on the machine that built it."""

import sys
from pathlib import Path

import tomlkit


def without_speeds(text: str) -> str:
    """The document without its ``variants.latency`` rows."""
    document = tomlkit.parse(text)
    for variant in document.get("variants", []):
        variant.pop("latency", None)
    return tomlkit.dumps(document)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(without_speeds(path.read_text(encoding="utf-8")), encoding="utf-8")
