"""Proof of a conversion: outputs that TensorFlow.js itself recorded for one made-up picture, compared with ours.

``references/nanodet-g.json`` was recorded by tests/unit/infer/zoo/record_reference.mjs, which runs the original graph
in TensorFlow.js, so that nothing of the converter takes part. It holds, for each stride's head before any activation,
the mean of each of the 124 channels and 400 single values spread over the whole array.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.kernel.errors import corrupt

MAX_DIFFERENCE = 1e-3
"""Largest difference of one logit (their standard deviation is about 2.5); measured: under 1e-5."""


def made_up_picture(height_px: int, width_px: int) -> NDArray[np.uint8]:
    """A picture ``(H, W, 3)`` uint8, red first, full of edges at every scale, by whole numbers alone."""
    y, x = np.mgrid[:height_px, :width_px].astype(np.int64)
    planes = [((x * x * 3 + y * y * 5 + x * y * (c + 1)) >> 9) + (x ^ y) * (c + 2) for c in range(3)]
    return (np.stack(planes, axis=-1) & 255).astype(np.uint8)


def check_against_reference(name: str, raw: NDArray[Any]) -> float:
    """Compare ``raw`` ``(1, N, C)`` with what was recorded for model ``name``.

    Returns the largest difference; raises ``CORRUPT`` when it is above ``MAX_DIFFERENCE``.
    """
    document = json.loads(files("eyespot.infer.zoo").joinpath(f"references/{name}.json").read_text("utf-8"))
    worst = 0.0
    start = 0
    for level in document["levels"]:
        cells = level["height"] * level["width"]
        worst = max(worst, _difference(raw[0, start : start + cells].T, level))
        start += cells
    if start != raw.shape[1] or not worst <= MAX_DIFFERENCE:
        raise corrupt(
            f"The converted model {name} differs from its source by {worst:.3g}; {MAX_DIFFERENCE:g} is allowed.",
            "This is a fault of the converter: please report it.",
        )
    return worst


def _difference(values: NDArray[Any], level: dict[str, Any]) -> float:
    if values.shape != (level["channels"], level["height"] * level["width"]):
        return float("inf")
    samples: Sequence[tuple[int, float]] = level["samples"]
    places = np.array([place for place, _ in samples])
    wanted = np.array([value for _, value in samples])
    of_samples = np.abs(values.reshape(-1)[places] - wanted).max()
    of_means = np.abs(values.mean(axis=1) - np.array(level["channel_means"])).max()
    return float(max(of_samples, of_means))
