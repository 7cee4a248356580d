"""`eyespot board`: what this board has, what could run on it and how fast, and what is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from eyespot.hal.board.survey import Survey
    from eyespot.infer.package import ModelPackage, Variant

_TITLES = {
    "runtime": "Runtimes", "gpu": "GPUs", "npu": "NPUs", "isp": "Image processors", "sensor": "Sensors",
    "codec": "Codecs", "key store": "Key stores", "gpio": "Inputs and outputs", "thermal": "Temperatures",
}  # fmt: skip
_MAX_PACKAGES = 64


def board(
    models: Annotated[Path | None, typer.Option(help="Folder of model packages; default: the shared cache.")] = None,
    codecs: Annotated[bool, typer.Option(help="Try libav's hardware codecs too.")] = True,
    everything: Annotated[bool, typer.Option("--all", help="Also show runtimes that need other hardware.")] = False,
    json_line: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show what this board has, what could run on it and how fast, and what to do about what is missing."""
    import json

    from eyespot.hal.board.survey import survey
    from eyespot.kernel.config import cache_dir

    found = survey(codecs=codecs)
    packages = list(_packages(models if models is not None else cache_dir() / "models", found.board.cpu))
    choices = _codec_choices() if codecs else {}
    if json_line:
        typer.echo(json.dumps({**_document(found, packages), "codecs": choices}))
        return
    sections = _sections(found, everything=everything)
    for line in (*_head(found), *sections, *_choice_lines(choices), *_package_lines(packages)):
        typer.echo(line)


def _codec_choices() -> dict[str, dict[str, str]]:
    """What a camera host with the usual settings would decode and encode with, and why."""
    from importlib.util import find_spec

    from eyespot.media.codecs import SOFTWARE_DECODERS, Codecs

    if find_spec("av") is None:
        return {}
    codecs = Codecs()
    codecs.wait()
    for codec in SOFTWARE_DECODERS:
        codecs.decoder(codec)
    codecs.encoder()
    return {what: entry for what, entry in codecs.status().items() if isinstance(entry, dict)}


def _choice_lines(choices: dict[str, dict[str, str]]) -> Iterator[str]:
    if choices:
        yield ""
        yield "Decoding and encoding"
    for what, choice in choices.items():
        yield f"  ✓ {what:<22} {choice['name']}: {choice['why']}"


def _packages(folder: Path, cpu: str) -> Iterator[dict[str, Any]]:
    """What each package in ``folder`` would do here; a broken one with what is wrong."""
    from eyespot.infer.package import DOCUMENT, ModelPackage
    from eyespot.kernel.errors import EyespotError

    for path in sorted(item.parent for item in folder.glob(f"*/{DOCUMENT}"))[:_MAX_PACKAGES]:
        try:
            yield _package(ModelPackage.load(path), cpu)
        except EyespotError as error:
            yield {"name": path.name, "wrong": error.what, "todo": error.todo}


def _package(package: "ModelPackage", cpu: str) -> dict[str, Any]:
    from eyespot.infer.session import choices
    from eyespot.kernel.errors import EyespotError

    pairs = [pair for variant in package.document.variants for pair in _pairs(package, variant, cpu)]
    entry = {"name": package.name, "pairs": pairs, "unread": _unread(package, pairs)}
    try:
        chosen = choices(package)[0]
    except EyespotError as error:
        return {**entry, "chosen": None, "wrong": error.what, "todo": error.todo}
    return {**entry, "chosen": {"variant": chosen.variant.name, "accelerator": chosen.accelerator.name}}


def _pairs(package: "ModelPackage", variant: "Variant", cpu: str) -> Iterator[dict[str, Any]]:
    """The variant on every accelerator that reads it or has a figure for it, with the best time of one thread."""
    from eyespot.hal.accelerators.chooser import known
    from eyespot.hal.accelerators.contract import Presence, presence_of, reads

    silicon = {item.name: presence_of(item) for item in known() if reads(item, package.path(variant))}
    measured = {row.accelerator for row in variant.latency}
    absent = Presence(usable=False, why_not="No accelerator of this name is installed.")
    for name in (*silicon, *sorted(measured - set(silicon))):
        presence = silicon.get(name, absent)
        rows = [row for row in variant.latency if row.accelerator == name and row.threads == 1]
        best = min(rows, key=lambda row: row.ms, default=None)
        yield {
            "variant": variant.name,
            "accelerator": name,
            "usable": presence.usable,
            "why_not": presence.why_not,
            "ms": best.ms if best else None,
            "origin": best.origin if best else "",
            "elsewhere": best is not None and best.origin == "measured here" and best.cpu not in ("", cpu),
        }


def _unread(package: "ModelPackage", pairs: list[dict[str, Any]]) -> list[str]:
    """Variants whose files no accelerator that the program knows can read."""
    read = {pair["variant"] for pair in pairs}
    return [variant.name for variant in package.document.variants if variant.name not in read]


def _document(found: "Survey", packages: list[dict[str, Any]]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "model": found.model,
        **asdict(found.board),
        "items": [item.document() for item in found.items],
        "packages": packages,
    }


def _head(found: "Survey") -> Iterator[str]:
    from eyespot.hal.board.cpu import FEATURES

    board = found.board
    if found.model:
        yield f"Board     {found.model}"
    yield f"CPU       {board.cpu}, {board.cores} cores for this process"
    for name in board.features:
        yield f"          {name:<12} {FEATURES[name]}"
    yield f"Memory    {board.memory_bytes / 2**30:.1f} GiB" if board.memory_bytes else "Memory    not told"


def _sections(found: "Survey", *, everything: bool) -> Iterator[str]:
    kinds = [*_TITLES, *dict.fromkeys(item.kind for item in found.items if item.kind not in _TITLES)]
    for kind in kinds:
        items = found.of(kind)
        hidden = [item for item in items if kind == "runtime" and not item.usable and not item.tested]
        shown = [item for item in items if everything or item not in hidden]
        if not items:
            continue
        yield ""
        yield _TITLES.get(kind, kind)
        for item in shown:
            mark = "✓" if item.usable else "·"
            untested = "" if item.tested or item.name == "none" else " (never tested on real hardware by the project)"
            yield f"  {mark} {item.name:<22} {item.what}{untested}"
            if item.todo:
                yield f"      → {item.todo}"
        if hidden and not everything:
            names = ", ".join(item.name for item in hidden)
            yield f"  · {len(hidden)} more need other builds or hardware: {names}. `eyespot board --all` says what."


def _package_lines(packages: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield "Models"
    if not packages:
        yield "  · none                   no model package is built"
        yield "      → Run `eyespot models build`."
    for entry in packages:
        chosen = entry.get("chosen")
        if entry.get("wrong"):
            yield f"  · {entry['name']:<22} {entry['wrong']}"
            yield f"      → {entry['todo']}"
        if chosen:
            yield f"  ✓ {entry['name']:<22} runs {chosen['variant']} on {chosen['accelerator']}"
        for pair in sorted(entry.get("pairs", ()), key=lambda item: (item["ms"] is None, item["ms"] or 0.0)):
            line = _pair_line(pair, chosen)
            if line:
                yield line
        for name in entry.get("unread", ()):
            yield f"      {name:<16} no accelerator here reads its file"


def _pair_line(pair: dict[str, Any], chosen: dict[str, Any] | None) -> str:
    """One variant on one accelerator; empty for what is neither here nor was ever measured."""
    if not pair["usable"] and pair["ms"] is None:
        return ""
    speed = f"{pair['ms']:8.1f} ms, {pair['origin']}" if pair["ms"] is not None else "   no figures"
    if pair["elsewhere"]:
        speed += " on another CPU"
    here = chosen is not None and all(pair[key] == chosen[key] for key in ("variant", "accelerator"))
    note = "  ← chosen" if here else "" if pair["usable"] else f"  not here: {pair['why_not']}"
    return f"      {pair['variant']:<16} {pair['accelerator']:<22} {speed}{note}"
