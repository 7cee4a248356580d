"""Prints docs/guide/bus.md, the catalogue of the camera's bus: ``python -m eyespot.cli.bus_reference``."""

import json
import sys

from eyespot.bus.catalogue import entries, speakers

_HEAD = """# The camera's bus

Made by `make reference` from the program itself; do not edit.

Core NATS on loopback. Each process and each service has a key of its own (NKey) and may say and hear exactly what
stands below; services join through a Unix socket and have no key in hand, see [services](../design/services.md). Every
document carries its version as `v`; a reader refuses versions it does not know. The key `operator` in `<state>/run`
serves the ordinary `nats` program: `nats micro ls`, with `--inbox-prefix _INBOX_operator`.

| subject | document | version | what |
|---|---|---|---|
"""


def bus_reference() -> str:
    """The page."""
    found = entries()
    lines = [
        f"| `{one.subject}` | {f'[{one.payload.__name__}](#{one.payload.__name__.lower()})' if one.payload else ''} "
        f"| {one.version} | {one.says} |"
        for one in found
    ]
    page = [_HEAD + "\n".join(lines), "## Who may say and hear what"]
    for name, (said, heard) in speakers().items():
        page.append(f"### {name}\nSays {_words(said)}.\n\nHears {_words(heard)}.")
    page.append("## Documents")
    for payload in dict.fromkeys(one.payload for one in found if one.payload):
        schema = json.dumps(payload.model_json_schema(), indent=1, sort_keys=True)
        page.append(f"### {payload.__name__}\n```json\n{schema}\n```")
    return "\n\n".join(page) + "\n"


def _words(names: object) -> str:
    return ", ".join(f"`{name}`" for name in names) if isinstance(names, list) and names else "nothing"


if __name__ == "__main__":
    sys.stdout.write(bus_reference())
