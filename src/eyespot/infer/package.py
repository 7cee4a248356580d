"""A model package: a folder with ``model.toml`` and one file a variant.

Owns the document, its bounds and the check of files against it. A package is foreign input: names cannot leave its
folder, sizes are bounded, digests are checked before a runtime sees a byte. Format: docs/guide/models.md.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from eyespot.kernel.config import Settings, load_toml, validate
from eyespot.kernel.errors import EyespotError, corrupt, invalid

DOCUMENT = "model.toml"
MAX_MODEL_BYTES = 1 << 30
MAX_SIDE_PX = 4096
MAX_BATCH = 16
_FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_SLUG = r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$"

Side = Annotated[int, Field(ge=16, le=MAX_SIDE_PX)]
Text = Annotated[str, Field(max_length=500)]


class Input(Settings):
    """The one input: a picture ``(1, height, width, 3)`` uint8."""

    width_px: Side
    height_px: Side
    multiple_px: int = Field(default=0, ge=0, le=256)
    """The graph runs at any height and width that are multiples of this; 0: only at the size above."""
    order: Literal["rgb", "bgr"] = "rgb"

    @model_validator(mode="after")
    def _size_fits(self) -> "Input":
        if self.multiple_px and (self.width_px % self.multiple_px or self.height_px % self.multiple_px):
            raise ValueError(f"width_px and height_px must be multiples of {self.multiple_px}")
        return self

    def fit(self, aspect: float, scale: float = 1.0) -> tuple[int, int]:
        """Height and width in pixels to run at for a picture of ``aspect`` (width by height).

        The longer side is as declared, or that part of it which ``scale`` says, as nearly as the multiple allows; the
        other is the nearest multiple to what the shape asks for: no pixel is spent on bars, and a picture is stretched
        or squeezed by half a multiple at most.
        """
        if not self.multiple_px:
            return self.height_px, self.width_px
        whole_px = max(self.width_px, self.height_px)
        longer = min(whole_px, max(2, round(whole_px * scale / self.multiple_px)) * self.multiple_px)
        shorter = longer / max(aspect, 1 / aspect)
        shorter_px = min(longer, max(2, round(shorter / self.multiple_px)) * self.multiple_px)
        return (shorter_px, longer) if aspect >= 1 else (longer, shorter_px)


class Accuracy(Settings):
    """How good a variant is, measured on real frames when the package was built."""

    footage: Text
    frames: int = Field(ge=1)
    agreement_ap50: float | None = Field(default=None, ge=0, le=1)
    """AP50 of the variant's detections with the float32 variant's as the truth."""
    ap50: float | None = Field(default=None, ge=0, le=1)
    """AP50 against ground truth."""
    label: str = Field(default="", max_length=64)


class Latency(Settings):
    """Time of one run."""

    accelerator: str = Field(pattern=_SLUG)
    threads: int = Field(default=1, ge=1, le=256)
    width_px: Side
    height_px: Side
    ms: float = Field(gt=0)
    origin: Literal["measured here", "estimated"] = "measured here"
    cpu: Text = ""


class BatchLatency(Latency):
    """Time of one run of several pictures, ``ms`` for all of them together."""

    pictures: int = Field(ge=2, le=MAX_BATCH)


class Estimate(Settings):
    """What a chip maker's compiler says about a file that cannot run where it was made. Estimated, not measured."""

    tool: Text
    system_config: Text
    """The system assumed: clock, buses, memory. The figures hold for it alone."""
    memory_mode: Text
    clock_hz: int = Field(gt=0)
    cycles: int = Field(gt=0)
    sram_bytes: int = Field(ge=0)
    dram_bytes: int = Field(ge=0)
    flash_bytes: int = Field(ge=0)
    npu_operations: int = Field(ge=1)
    cpu_operations: int = Field(ge=0)
    """Operations of the source that the accelerator runs, and those left to the processor."""
    stream_words: int = Field(ge=1)
    """32-bit words of the command stream."""
    source_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the file that was compiled: its accuracy is the variant's."""


class Variant(Settings):
    """One file that runs the model."""

    name: str = Field(pattern=_SLUG)
    file: str = Field(pattern=_FILE_NAME)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=1, le=MAX_MODEL_BYTES)
    width_px: Side | None = None
    height_px: Side | None = None
    """The only size it runs at; None: as the package's input says."""
    accuracy: Accuracy | None = None
    estimate: Estimate | None = None
    latency: tuple[Latency, ...] = Field(default=(), max_length=64)
    batch: bool = False
    """The first axis of its input and of each output is open: it can run several pictures at once."""
    batch_latency: tuple[BatchLatency, ...] = Field(default=(), max_length=64)

    @model_validator(mode="after")
    def _figures_fit(self) -> "Variant":
        if self.batch_latency and not self.batch:
            raise ValueError("batch_latency is for variants with batch = true")
        return self


class Provenance(Settings):
    """Where the model came from."""

    source: Text = ""
    integrity: Text = ""
    upstream: Text = ""
    made_by: Text = ""


class ModelDocument(Settings):
    """``model.toml``."""

    format: Literal[1]
    name: str = Field(pattern=_SLUG)
    version: str = Field(default="1", max_length=64)
    task: Literal["detection"]
    head: str = Field(pattern=_SLUG)
    labels: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(min_length=1, max_length=10_000)
    licence: Text
    input: Input
    provenance: Provenance = Provenance()
    variants: tuple[Variant, ...] = Field(min_length=1, max_length=32)

    @model_validator(mode="after")
    def _names_differ(self) -> "ModelDocument":
        for what, names in (("label", self.labels), ("variant", tuple(item.name for item in self.variants))):
            if len(set(names)) != len(names):
                raise ValueError(f"every {what} must have its own name")
        return self


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A package whose document is valid and whose files are there in the declared size."""

    folder: Path
    document: ModelDocument

    @staticmethod
    def load(folder: Path) -> "ModelPackage":
        """The package in ``folder``.

        Raises:
            EyespotError: ``INVALID`` when there is no package or its document is wrong; ``CORRUPT`` when a file is
                missing, is a link, or has another size.
        """
        if not folder.is_dir():
            raise invalid(f"There is no model package {folder}.", "Run `eyespot models build`, or check the folder.")
        path = folder / DOCUMENT
        package = ModelPackage(folder, validate(ModelDocument, load_toml(path), str(path)))
        for variant in package.document.variants:
            package._check_file(variant)
        return package

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def head(self) -> str:
        """Name of the head that reads the outputs."""
        return self.document.head

    @property
    def labels(self) -> tuple[str, ...]:
        return self.document.labels

    @property
    def order(self) -> Literal["rgb", "bgr"]:
        """Colour order of the input picture."""
        return self.document.input.order

    @property
    def input_width_px(self) -> int:
        return self.document.input.width_px

    @property
    def input_height_px(self) -> int:
        return self.document.input.height_px

    def variant(self, name: str) -> Variant:
        """The variant called ``name``; raises ``INVALID`` with the names there are."""
        for variant in self.document.variants:
            if variant.name == name:
                return variant
        names = ", ".join(item.name for item in self.document.variants)
        raise invalid(f"Model package {self.name} has no variant '{name}'.", f"It has: {names}.")

    def path(self, variant: Variant) -> Path:
        """Where the variant's file is."""
        return self.folder / variant.file

    def verify(self, variant: Variant) -> Path:
        """The path of the variant's file, its digest checked; raises ``CORRUPT`` when the bytes are others."""
        path = self._check_file(variant)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != variant.sha256:
            raise self._broken(f"{variant.file} has digest {digest[:16]}…, {variant.sha256[:16]}… is declared")
        return path

    def _check_file(self, variant: Variant) -> Path:
        path = self.path(variant)
        if path.is_symlink() or not path.is_file():
            raise self._broken(f"{variant.file} of variant {variant.name} is missing or not a plain file")
        size = path.stat().st_size
        if size != variant.size_bytes:
            raise self._broken(f"{variant.file} has {size} bytes, {variant.size_bytes} are declared")
        return path

    def _broken(self, what: str) -> EyespotError:
        return corrupt(
            f"Model package {self.folder.name}: {what}.",
            "Build or copy the package again (`eyespot models build` for the zoo's own).",
        )
