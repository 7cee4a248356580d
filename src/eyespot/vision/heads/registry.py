"""Heads by the name that a model package gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.kernel.errors import invalid
from eyespot.vision.heads import nanodet
from eyespot.vision.heads.nanodet import Candidates


class Pick(Protocol):
    """See ``nanodet.pick`` for the arguments; what it returns is for the ``settle`` of the same head alone."""

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
        wanted: NDArray[np.bool_] | None = None,
    ) -> Candidates: ...


@dataclass(frozen=True, slots=True)
class Head:
    """Turns a model's output arrays into detections, in two steps.

    Attributes:
        pick: what one picture may hold, see ``nanodet.pick``; right after the run, before the next one.
        settle: the detections of several pictures, see ``nanodet.settle``; whenever it suits.
    """

    pick: Pick
    settle: Callable[[Sequence[Candidates]], list[Detections]]

    def __call__(self, outputs: Sequence[NDArray[Any]], **options: Any) -> Detections:
        """Both steps for one picture; ``options`` as ``pick`` takes them."""
        return self.settle([self.pick(outputs, **options)])[0]


HEADS: Mapping[str, Head] = {"nanodet": Head(nanodet.pick, nanodet.settle)}


def find_head(name: str) -> Head:
    """The head called ``name``; raises ``INVALID`` with the names there are."""
    if name not in HEADS:
        raise invalid(f"There is no head '{name}'.", f"A model package may name one of: {', '.join(sorted(HEADS))}.")
    return HEADS[name]
