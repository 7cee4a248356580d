"""Heads by the name that a model package gives."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.kernel.errors import invalid
from eyespot.vision.heads import nanodet


class Head(Protocol):
    """Turns one picture's output arrays into detections; see ``nanodet.decode`` for the arguments."""

    def __call__(
        self,
        outputs: Sequence[NDArray[Any]],
        *,
        labels: Sequence[str],
        score_threshold: float,
        capture_ns: int,
        aspect: float,
        region: tuple[float, float, float, float] | None = None,
        input_px: tuple[int, int] | None = None,
    ) -> Detections: ...


HEADS: Mapping[str, Head] = {"nanodet": nanodet.decode}


def find_head(name: str) -> Head:
    """The head called ``name``; raises ``INVALID`` with the names there are."""
    if name not in HEADS:
        raise invalid(f"There is no head '{name}'.", f"A model package may name one of: {', '.join(sorted(HEADS))}.")
    return HEADS[name]
