"""Scaling: what the detector is shown is the picture, smoothed as the textbook says, on every processor."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from eyespot.media.pixels import Scalers

WIDTH, HEIGHT = 768, 576


def stripes() -> NDArray[np.uint8]:
    """A grey picture with edges everywhere, at no period of the scaling."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = np.sin(x / 2.3) * np.sin(y / 3.1) + np.sign(np.sin(x / 17) * np.sin(y / 13))
    return (126 + 50 * waves).astype(np.uint8)


def triangle(size: int, wanted: int) -> NDArray[np.float64]:
    """``(wanted, size)``: bilinear interpolation whose triangle is widened by the shrinking, as anti-aliasing asks."""
    scale = size / wanted
    centres = (np.arange(wanted)[:, None] + 0.5) * scale - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(size)[None] - centres) / max(scale, 1))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


@pytest.mark.parametrize("order", ["rgb24", "bgr24"])
def test_a_little_smaller_is_bilinear_with_smoothing(order: str) -> None:
    luma = stripes()
    grey = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    grey[:HEIGHT] = luma
    picture = Scalers().packed(VideoFrame.from_ndarray(grey, format="yuv420p"), order, 416, 320)
    ideal = triangle(HEIGHT, 320) @ luma @ triangle(WIDTH, 416).T
    wanted = np.clip((ideal - 16) * 255 / 219, 0, 255)[..., None]
    difference = np.abs(picture - wanted)
    assert difference.mean() < 3
    assert difference.max() < 16
