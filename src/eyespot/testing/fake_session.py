"""A session without a model: returns what it is told, as slowly and as faultily as it is told."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.kernel.errors import EyespotError, Kind

Outputs = tuple[NDArray[Any], ...]


class FakeSession:
    """Stands in for ``infer.session.Session``.

    Args:
        outputs: from a picture ``(H, W, 3)`` uint8 to output arrays.
        input_px: height and width it claims to take.
        delay_s: how long each run takes.
        fail_after: runs that succeed before every further one raises; None: never.
    """

    def __init__(
        self,
        outputs: Callable[[NDArray[np.uint8]], Outputs],
        *,
        input_px: tuple[int, int] = (416, 416),
        delay_s: float = 0.0,
        fail_after: int | None = None,
    ) -> None:
        self.input_px = input_px
        self.runs = 0
        self.closed = False
        self._outputs = outputs
        self._delay_s = delay_s
        self._fail_after = fail_after
        self._never = threading.Event()

    def run(self, image: NDArray[np.uint8], *, borrow: bool = False) -> Outputs:
        """The told outputs; raises ``INTERNAL`` once ``fail_after`` runs were made."""
        self.runs += 1
        if self._delay_s:
            self._never.wait(self._delay_s)
        if self._fail_after is not None and self.runs > self._fail_after:
            raise EyespotError(Kind.INTERNAL, "The fake session fails, as it was told to.")
        return self._outputs(image)

    def close(self) -> None:
        self.closed = True
