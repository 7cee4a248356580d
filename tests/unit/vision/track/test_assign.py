"""Assignment against the best of all permutations."""

from itertools import permutations

import numpy as np
import pytest

from eyespot.vision.track.assign import assign


def best_total(gain: np.ndarray) -> float:
    side = max(gain.shape)
    square = np.zeros((side, side))
    square[: gain.shape[0], : gain.shape[1]] = np.maximum(gain, 0)
    return max(sum(square[row, column] for row, column in enumerate(order)) for order in permutations(range(side)))


@pytest.mark.parametrize("seed", range(60))
def test_total_gain_is_the_largest_possible(seed: int) -> None:
    random = np.random.default_rng(seed)
    gain = random.normal(0.2, 0.5, (int(random.integers(1, 6)), int(random.integers(1, 7))))
    rows, cols = assign(gain)
    assert len(set(rows)) == len(rows)
    assert len(set(cols)) == len(cols)
    assert all(gain[row, col] > 0 for row, col in zip(rows, cols, strict=True))
    assert sum(gain[rows, cols]) == pytest.approx(best_total(gain), abs=1e-6)


def test_nothing_possible_pairs_nothing() -> None:
    assert assign(np.zeros((3, 0))) == ([], [])
    assert assign(np.full((2, 2), -1.0)) == ([], [])
