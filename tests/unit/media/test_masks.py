"""Privacy masks: nothing below one is left, in any plane, and nothing beside them is touched."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.masks import MaskBurner, hidden_pixels
from eyespot.media.pixels import plane_rows

SQUARE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
FRACTION = st.floats(0, 1)


def test_a_square_hides_its_pixels_and_one_around() -> None:
    hidden = hidden_pixels([SQUARE], 40, 20)
    wanted = np.zeros((20, 40), bool)
    # corners at 10, 5 and 30, 15: pixels 10..29, 5..14, the outline's own pixels, and one around
    wanted[4:17, 9:32] = True
    np.testing.assert_array_equal(hidden, wanted)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FRACTION, FRACTION), min_size=3, max_size=6))
def test_every_point_of_a_mask_is_hidden(corners: list[tuple[float, float]]) -> None:
    """Points of the triangle of the first three corners, drawn as a mask of its own."""
    triangle = tuple(corners[:3])
    hidden = hidden_pixels([triangle], 48, 30)
    weights = np.random.default_rng(1).dirichlet((1, 1, 1), 300)
    points = weights @ np.array(triangle)
    columns = np.minimum((points[:, 0] * 48).astype(int), 47)
    rows = np.minimum((points[:, 1] * 30).astype(int), 29)
    assert hidden[rows, columns].all()


def test_a_hole_by_the_even_odd_rule_and_a_line() -> None:
    assert hidden_pixels([((0.5, 0.1), (0.5, 0.9), (0.5, 0.5))], 100, 50)[5:45, 50].all()
    bow = ((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9))
    hidden = hidden_pixels([bow], 100, 100)
    assert hidden[50, 20]
    assert not hidden[20, 50]


def test_hostile_masks_are_refused() -> None:
    for masks in (
        [SQUARE[:2]],
        [SQUARE] * 65,
        [((0, 0), (2, 0), (1, 1))],
        [((0, 0), (float("nan"), 0), (1, 1))],
        [SQUARE * 40],
    ):
        with pytest.raises(EyespotError) as caught:
            hidden_pixels(masks, 10, 10)
        assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize("layout", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray", "rgb24", "bgr24"])
@pytest.mark.parametrize("size", [(96, 64), (98, 62)])
def test_no_trace_is_left_in_any_layout(layout: str, size: tuple[int, int]) -> None:
    width, height = size
    random = np.random.default_rng(5)
    burner = MaskBurner([SQUARE], width, height, layout)

    def frame() -> VideoFrame:
        made = VideoFrame(width, height, layout)
        for index in range(len(made.planes)):
            rows = plane_rows(made, index)
            rows[:] = random.integers(0, 256, rows.shape)
        return made

    first, second = frame(), frame()
    before = [plane_rows(first, index).copy() for index in range(len(first.planes))]
    ours, other = burner.burned(first), burner.burned(second)
    middle = (slice(height // 4, -(height // 4)), slice(width // 4, -(width // 4)))
    shown = [item.reformat(format="rgb24").to_ndarray()[middle] for item in (ours, other)]
    np.testing.assert_array_equal(shown[0], shown[1])  # two different scenes look the same
    assert shown[0].max() <= 2  # black
    for index, plane in enumerate(before):  # the decoder's own picture stays
        np.testing.assert_array_equal(plane_rows(first, index), plane)
    edge = plane_rows(ours, 0)[: height // 4 - 4]
    np.testing.assert_array_equal(edge[:, :width], before[0][: height // 4 - 4, :width])


def test_pictures_that_do_not_fit_are_refused() -> None:
    burner = MaskBurner([SQUARE], 96, 64)
    with pytest.raises(EyespotError, match="masks are for"):
        burner.burned(VideoFrame(64, 64, "yuv420p"))
    with pytest.raises(EyespotError, match="planes"):
        burner.burn([np.zeros((64, 96), np.uint8)])
    with pytest.raises(EyespotError, match="too small"):
        burner.burn([np.zeros((64, 96), np.uint8), np.zeros((31, 48), np.uint8), np.zeros((32, 48), np.uint8)])
    with pytest.raises(EyespotError, match="Convert them"):
        MaskBurner([SQUARE], 96, 64, "yuv420p10le")
