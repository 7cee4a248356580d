"""A board that is not here, in TOML: what it has and how long models take on it. Format: docs/guide/targets.md.

Figures come from its maker, from `eyespot models fit` run there, or from a compiler's estimate in the package.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from eyespot.infer.fit.plan import Option, Room
from eyespot.infer.package import ModelPackage, Side, Text
from eyespot.kernel.config import Settings, load_toml, validate

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")]


class ModelTime(Settings):
    """How long a model takes on an accelerator; ``variant`` is empty where it does not matter which."""

    package: Name
    variant: str = Field(default="", max_length=64)
    width_px: Side
    height_px: Side
    ms: float = Field(gt=0, le=3_600_000)
    memory_mb: float | None = Field(default=None, ge=0)
    watts: float | None = Field(default=None, ge=0)


class BoardAccelerator(Settings):
    """``lanes``: runs it can do side by side; an accelerator ``on_cpu`` shares the processor's cores instead."""

    name: Name
    on_cpu: bool = False
    lanes: float = Field(default=1.0, gt=0, le=1024)
    models: tuple[ModelTime, ...] = Field(default=(), max_length=1000)


class BoardFile(Settings):
    """The document."""

    name: Text
    cores: int = Field(ge=1, le=1024)
    memory_mb: float = Field(gt=0)
    features: tuple[Annotated[str, Field(max_length=64)], ...] = Field(default=(), max_length=100)
    accelerators: tuple[BoardAccelerator, ...] = Field(min_length=1, max_length=64)

    def room(self) -> Room:
        """Its resources; a quarter of the memory is for models."""
        lanes = {"cpu": float(self.cores)}
        lanes |= {item.name: item.lanes for item in self.accelerators if not item.on_cpu}
        return Room(lanes, round(self.memory_mb * 2**20 / 4))

    def options(self, packages: Sequence[ModelPackage]) -> list[Option]:
        """What it is said to run of ``packages``, and what their compilers estimated for its accelerators."""
        found: list[Option] = []
        for package in packages:
            for silicon in self.accelerators:
                resource = "cpu" if silicon.on_cpu else silicon.name
                told = [_told(item, package, silicon.name, resource) for item in silicon.models]
                mine = [item for item in told if item is not None]
                found += mine or _from_package(package, silicon.name, resource)
        return found


def load_board(path: Path) -> BoardFile:
    """The board in ``path``; raises ``INVALID`` with the key that is wrong."""
    return validate(BoardFile, load_toml(path), str(path))


def _told(item: ModelTime, package: ModelPackage, accelerator: str, resource: str) -> Option | None:
    if item.package != package.name:
        return None
    agreement = None
    for variant in package.document.variants:
        if variant.name == item.variant and variant.accuracy is not None:
            agreement = variant.accuracy.agreement_ap50
    return Option(
        package=package.name,
        variant=item.variant or "any",
        accelerator=accelerator,
        resource=resource,
        width_px=item.width_px,
        height_px=item.height_px,
        ms=item.ms,
        memory_bytes=round(item.memory_mb * 2**20) if item.memory_mb is not None else None,
        agreement=agreement,
        watts=item.watts,
        origin="estimated",
    )


def _from_package(package: ModelPackage, accelerator: str, resource: str) -> list[Option]:
    return [
        Option(
            package=package.name,
            variant=variant.name,
            accelerator=accelerator,
            resource=resource,
            width_px=row.width_px,
            height_px=row.height_px,
            ms=row.ms,
            memory_bytes=variant.estimate.dram_bytes + variant.estimate.sram_bytes if variant.estimate else None,
            agreement=variant.accuracy.agreement_ap50 if variant.accuracy else None,
            origin="estimated",
        )
        for variant in package.document.variants
        for row in variant.latency
        if row.accelerator == accelerator and row.origin == "estimated"
    ]
