"""Opens a model package on the best accelerator there is, and says why it chose so.

The choice: among the package's variants and the accelerators of this machine, the lowest latency the package knows;
where it knows none, quantised before float and the chooser's order. Nothing here knows what the outputs mean.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.accelerators.chooser import find_accelerator, known
from eyespot.hal.accelerators.contract import Accelerator, Loaded, TensorSpec, reads
from eyespot.infer.batch import sizes_that_pay
from eyespot.infer.package import ModelPackage, Variant
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Outputs = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which variant runs on which accelerator, and why, in a sentence for a person."""

    variant: Variant
    accelerator: Accelerator
    reason: str


class Session:
    """A model ready to run; one thread at a time.

    Args:
        batches: the same model loaded for several pictures a run, by their number.
    """

    def __init__(
        self, package: ModelPackage, choice: Choice, loaded: Loaded, batches: Mapping[int, Loaded] | None = None
    ) -> None:
        self.package = package
        self.choice = choice
        self._loaded = loaded
        self._batches = dict(batches or {})
        self.batch_sizes: tuple[int, ...] = tuple(sorted(self._batches))
        """How many pictures ``run_batch`` takes, the smallest number first; empty: none."""
        shape = loaded.inputs[0].shape
        self.input_px: tuple[int, int] = (int(shape[1] or 0), int(shape[2] or 0))
        """Height and width of the pictures it takes."""
        self.inputs: tuple[TensorSpec, ...] = loaded.inputs
        self.outputs: tuple[TensorSpec, ...] = loaded.outputs

    def run(self, image: Image, *, borrow: bool = False) -> Outputs:
        """Run on one picture ``(H, W, 3)`` uint8 in the package's colour order and at ``input_px``.

        With ``borrow`` the arrays returned may be the runtime's own and hold until the next run only; otherwise they
        are the caller's. Raises ``INVALID`` on a picture of another size or type.
        """
        outputs = self._loaded.run([np.ascontiguousarray(image)[None]])
        return tuple(outputs) if borrow else tuple(array.copy() for array in outputs)

    def run_batch(self, images: Sequence[Image]) -> Outputs:
        """Run on as many pictures at once as one of ``batch_sizes`` says; each output's first axis is theirs, in order.

        The arrays may be the runtime's own and hold until the next run only. Raises ``INVALID`` on pictures of another
        number, size or type, ``INTERNAL`` when the outputs are not one for each.
        """
        loaded = self._batches.get(len(images))
        if loaded is None or any(image.shape != (*self.input_px, 3) for image in images):
            sizes = ", ".join(map(str, self.batch_sizes)) or "no"
            raise invalid(f"The model takes {sizes} pictures of {self.input_px[1]}x{self.input_px[0]} at once.")
        outputs = tuple(loaded.run([np.stack(images)]))
        if any(len(array) != len(images) for array in outputs):
            raise EyespotError(
                Kind.INTERNAL, f"{self.choice.variant.file} does not answer for each picture of several."
            )
        return outputs

    def close(self) -> None:
        """Give the model's memory back."""
        for loaded in (self._loaded, *self._batches.values()):
            loaded.close()


def open_session(
    package: ModelPackage,
    *,
    variant: str | None = None,
    accelerator: str | None = None,
    threads: int = 1,
    size_px: tuple[int, int] | None = None,
    batch_sizes: Sequence[int] | None = None,
) -> Session:
    """A session for ``package``.

    Args:
        variant, accelerator: names to insist on; None lets the measured latency decide.
        threads: of the runtime; they do not spin while idle.
        batch_sizes: numbers of pictures to be able to run at once, each of which takes the model's memory once more;
            None: those that the package's figures say pay.
        size_px: height and width to run at, where the package leaves it open (see ``Input.fit``); None: as declared.

    Raises:
        EyespotError: ``INVALID`` for a name or size that does not exist or a model no runtime accepts, ``CORRUPT`` for
            a file whose digest is wrong, ``UNAVAILABLE`` when no accelerator is installed.
    """
    declared = package.document.input
    height_px, width_px = size_px or (declared.height_px, declared.width_px)
    _check_size(package, height_px, width_px)
    failures: list[str] = []
    for choice in choices(package, variant=variant, accelerator=accelerator):
        path = package.verify(choice.variant)
        try:
            loaded = choice.accelerator.load(path, threads, input_shapes=[(1, height_px, width_px, 3)])
            _check_input(package, choice.variant, loaded.inputs, (1, height_px, width_px, 3))
            if batch_sizes is None:
                sizes = sizes_that_pay(choice.variant, choice.accelerator.name, threads, (height_px, width_px))
            else:
                sizes = tuple(batch_sizes)
            shape = (height_px, width_px, 3)
            return Session(package, choice, loaded, _load_batches(package, choice, threads, shape, sizes))
        except EyespotError as error:
            failures.append(error.what)
    raise EyespotError(
        Kind.INVALID, f"No accelerator can run model package {package.name}: {' '.join(failures)}", "Check the model."
    )


def _load_batches(
    package: ModelPackage, choice: Choice, threads: int, shape: tuple[int, ...], sizes: Sequence[int]
) -> dict[int, Loaded]:
    """The variant for each number of pictures in ``sizes``; what does not load is logged and done without."""
    batches: dict[int, Loaded] = {}
    for count in sizes if choice.variant.batch else ():
        try:
            path = package.path(choice.variant)
            loaded = choice.accelerator.load(path, threads, input_shapes=[(count, *shape)])
            batches[count] = loaded
            _check_input(package, choice.variant, loaded.inputs, (count, *shape))
        except EyespotError as error:
            if (broken := batches.pop(count, None)) is not None:
                broken.close()
            log.warning("%s runs no %d pictures at once: %s", choice.variant.file, count, error.what)
    return batches


def choices(package: ModelPackage, *, variant: str | None = None, accelerator: str | None = None) -> list[Choice]:
    """Every pair that fits the names given, best first; raises as ``open_session`` does."""
    variants = [package.variant(variant)] if variant else list(package.document.variants)
    accelerators = [find_accelerator(accelerator)] if accelerator else [item for item in known() if item.available()]
    if not accelerators:
        raise unavailable("No inference runtime is installed.", "Install eyespot[edge].")
    ranked: list[tuple[tuple[bool, float, bool, int], Choice]] = []
    for position, silicon in enumerate(accelerators):
        for item in variants:
            if not reads(silicon, package.path(item)):
                continue
            ms = _latency_ms(item, silicon.name)
            reason = f"{item.name} on {silicon.name}: " + (f"{ms:.1f} ms a run" if ms else "no figures, usual order")
            rank = (ms is None, ms or 0.0, "int8" not in item.name, position)
            ranked.append((rank, Choice(item, silicon, reason)))
    if not ranked:
        raise unavailable(
            f"No accelerator asked for here reads the files of model package {package.name}.",
            "`eyespot board` shows what is here.",
        )
    return [choice for _, choice in sorted(ranked, key=lambda pair: pair[0])]


def _latency_ms(variant: Variant, accelerator: str) -> float | None:
    """The variant's best known time on the accelerator with one thread."""
    return min((row.ms for row in variant.latency if row.accelerator == accelerator and row.threads == 1), default=None)


def _check_size(package: ModelPackage, height_px: int, width_px: int) -> None:
    declared = package.document.input
    if (height_px, width_px) == (declared.height_px, declared.width_px):
        return
    multiple = declared.multiple_px
    if not multiple or height_px % multiple or width_px % multiple or min(height_px, width_px) < multiple:
        allowed = f"multiples of {multiple}" if multiple else f"{declared.width_px}x{declared.height_px} only"
        raise invalid(f"Model package {package.name} cannot run at {width_px}x{height_px}.", f"It takes {allowed}.")


def _check_input(package: ModelPackage, variant: Variant, inputs: Sequence[TensorSpec], shape: tuple[int, ...]) -> None:
    """Raise ``INVALID`` unless the file's input is what ``model.toml`` says."""
    found = ", ".join(f"{item.name} {list(item.shape)} {item.dtype}" for item in inputs)
    if len(inputs) != 1 or inputs[0].dtype != "uint8" or inputs[0].shape != shape:
        raise invalid(
            f"{variant.file} of model package {package.name} takes {found or 'nothing'}; "
            f"a picture {list(shape)} uint8 is declared.",
            "The graph must take one input of bytes, height before width, colours last: see docs/guide/models.md.",
        )
