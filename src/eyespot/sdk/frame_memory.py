"""Memory for the frames of one view, used again once nobody holds it: new pages cost as much as the copy itself.

Whether an array is held is read from its reference count; views of it, tensors and memoryviews that share its memory
hold it too. What only knows its address (``ctypes``) does not: such a caller copies first, or keeps the array.
"""

import sys

import numpy as np

from eyespot.contracts.view import View
from eyespot.sdk.ring_reader import Pixels, shape_of

KEPT = 4
"""Arrays kept for use again; where more are held, each further frame gets memory of its own."""


class FrameMemory:
    """Gives arrays of the shape of ``view``'s frames."""

    def __init__(self, view: View) -> None:
        self._shape = shape_of(view)
        self._kept: list[Pixels] = []

    def free(self) -> Pixels:
        """An array (uint8, see ``shape_of``) that nobody else holds; its contents are anything."""
        for place in range(len(self._kept)):
            if sys.getrefcount(self._kept[place]) == 2:  # the list's and that of the question itself
                return self._kept[place]
        made: Pixels = np.empty(self._shape, np.uint8)
        if len(self._kept) < KEPT:
            self._kept.append(made)
        return made
