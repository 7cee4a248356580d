"""What packages' variants do on this board: each measured once in a process of its own, then remembered.

Owns the list of what to measure, the cache and the accuracy on real frames. A figure is remembered by the digest of
the variant's file, the accelerator, the size and the processor: change one and it is measured anew.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyespot.hal.accelerators.chooser import known
from eyespot.hal.accelerators.contract import Accelerator, reads
from eyespot.hal.board import Board, read_board
from eyespot.infer.fit.plan import Option, Room
from eyespot.infer.package import ModelPackage, Variant
from eyespot.infer.session import open_session
from eyespot.infer.zoo.build import Footage, Judge
from eyespot.kernel.errors import EyespotError, unavailable

SCALES = (1.0, 0.75, 0.5)
"""Sizes to measure, as parts of the longer side, where a package leaves its size open."""
ASPECT = 4 / 3
WINDOW_S = 0.5
LIMIT_S = 120.0
ON_CPU = ("onnxruntime", "openvino", "litert")
"""Accelerators that run on the processor's cores; any other is silicon of its own."""
_FORMAT = 2
"""Of what is remembered; a variant that can run several pictures has another, for its figures are more."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What measuring needs from above.

    Attributes:
        cache: folder of what is remembered.
        footage: real frames at a width and height, or None where there are none: accuracy is then unknown.
        judge: compares detections.
        step: told what happens now, and how far along, 0 to 1.
        again: measure even what is remembered.
    """

    cache: Path
    footage: Callable[[int, int], Footage | None]
    judge: Judge
    step: Callable[[str, float], None]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing to measure."""

    package: ModelPackage
    variant: Variant
    accelerator: Accelerator
    width_px: int
    height_px: int

    @property
    def text(self) -> str:
        return (
            f"{self.package.name}: {self.variant.name} on {self.accelerator.name} at {self.width_px}x{self.height_px}"
        )


def room_here(board: Board | None = None) -> Room:
    """This board's resources; a quarter of its memory is for models."""
    board = board or read_board()
    lanes = {"cpu": float(board.cores)} | {name: 1.0 for name in board.accelerators if name not in ON_CPU}
    return Room(lanes, board.memory_bytes // 4 or None)


def pairs(packages: Sequence[ModelPackage], accelerators: Sequence[Accelerator] | None = None) -> list[Pair]:
    """Every variant on every usable accelerator that reads it, at every size worth a look."""
    usable = [item for item in (known() if accelerators is None else accelerators) if item.available()]
    return [
        Pair(package, variant, silicon, width_px, height_px)
        for package in packages
        for variant in package.document.variants
        if variant.estimate is None
        for silicon in usable
        if reads(silicon, package.path(variant))
        for height_px, width_px in sizes(package, variant)
    ]


def sizes(package: ModelPackage, variant: Variant) -> list[tuple[int, int]]:
    """Heights and widths in pixels, the largest first."""
    if variant.height_px and variant.width_px:
        return [(variant.height_px, variant.width_px)]
    height_px, width_px = package.document.input.fit(ASPECT)
    multiple = package.document.input.multiple_px
    if not multiple:
        return [(height_px, width_px)]

    def part(side_px: int, scale: float) -> int:
        return max(2, round(side_px * scale / multiple)) * multiple

    return list(dict.fromkeys((part(height_px, scale), part(width_px, scale)) for scale in SCALES))


def measure(packages: Sequence[ModelPackage], tools: Tools) -> tuple[list[Option], list[str]]:
    """The options of this board, and a sentence for each pair that does not run."""
    cpu = read_board().cpu
    options: list[Option] = []
    failures: list[str] = []
    wanted = pairs(packages)
    truths: dict[str, list[Any]] = {}
    for number, pair in enumerate(wanted):
        tools.step(pair.text, number / len(wanted))
        path = _remembered_at(pair, cpu, tools)
        facts = None if tools.again else _read(path)
        if facts is None:
            try:
                facts = {**_measure(pair), "agreement": _agreement(pair, tools, truths)}
            except EyespotError as error:
                failures.append(f"{pair.text} does not run: {error.what}")
                continue
            _write(path, facts)
        options.append(_option(pair, facts))
    return options, failures


def _option(pair: Pair, facts: dict[str, Any]) -> Option:
    name = pair.accelerator.name
    return Option(
        package=pair.package.name,
        variant=pair.variant.name,
        accelerator=name,
        resource="cpu" if name in ON_CPU else name,
        width_px=pair.width_px,
        height_px=pair.height_px,
        ms=_ms(name, facts),
        memory_bytes=int(facts["memory_bytes"]),
        agreement=facts["agreement"],
        watts=facts["watts"],
        batch_ms=tuple((int(count), _ms(name, row)) for count, row in facts.get("batches", {}).items()),
    )


def _ms(accelerator: str, facts: dict[str, Any]) -> float:
    """One run's time; on the processor its processor time where that is less: whatever else ran then is not in it."""
    wall_ms, cpu_ms = float(facts["ms"]), float(facts["cpu_ms"])
    return min(wall_ms, cpu_ms) if accelerator in ON_CPU and cpu_ms > 0 else wall_ms


def _measure(pair: Pair) -> dict[str, Any]:
    size = (str(pair.width_px), str(pair.height_px), str(WINDOW_S))
    names = (str(pair.package.folder), pair.variant.name, pair.accelerator.name)
    command = [sys.executable, "-m", "eyespot.infer.fit.child", *names, *size]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise unavailable(f"It did not end within {LIMIT_S:.0f} s.") from None
    try:
        if done.returncode:
            raise ValueError
        facts: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        said = done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"]
        raise unavailable(f"{said[-1][:300].rstrip('.')}.") from None
    return facts


def _agreement(pair: Pair, tools: Tools, truths: dict[str, list[Any]]) -> float | None:
    """AP50 of the pair's detections on real frames, with the float32 network's at full size as the truth.

    ``truths`` keeps the latter by package.
    """
    full_height_px, full_width_px = pair.package.document.input.fit(ASPECT)
    full, small = tools.footage(full_width_px, full_height_px), tools.footage(pair.width_px, pair.height_px)
    names = [item.name for item in pair.package.document.variants]
    if full is None or small is None or "onnx-fp32" not in names:
        return None
    key = str(pair.package.folder)
    if key not in truths:
        truths[key] = _detections(pair.package, "onnx-fp32", None, full, tools.judge)
    found = _detections(pair.package, pair.variant.name, pair.accelerator.name, small, tools.judge)
    return round(tools.judge.agreement(found, truths[key]), 4)


def _detections(
    package: ModelPackage, variant: str, accelerator: str | None, footage: Footage, judge: Judge
) -> list[Any]:
    height_px, width_px = footage.judging[0].shape[:2]
    session = open_session(package, variant=variant, accelerator=accelerator, size_px=(height_px, width_px))
    try:
        return [judge.detect(session.run(frame, borrow=True), (height_px, width_px)) for frame in footage.judging]
    finally:
        session.close()


def _remembered_at(pair: Pair, cpu: str, tools: Tools) -> Path:
    facts = [
        _FORMAT + pair.variant.batch,
        pair.variant.sha256,
        pair.accelerator.name,
        pair.width_px,
        pair.height_px,
        cpu,
        os.uname().machine,
    ]
    return tools.cache / "fit" / f"{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]}.json"


def _read(path: Path) -> dict[str, Any] | None:
    """What is remembered, or None where it is not there or not whole."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        if {"ms", "cpu_ms", "memory_bytes", "watts", "agreement"} <= facts.keys() and float(facts["ms"]) > 0:
            return dict(facts)
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return None


def _write(path: Path, facts: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(facts), "utf-8")
    part.replace(path)
