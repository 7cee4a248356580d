"""A clip that foreign servers serve and foreign clients read."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest


@pytest.fixture(scope="module", params=["h264", "h265"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of noise, one key frame a second."""
    path = tmp_path_factory.mktemp("clip") / f"{request.param}.mp4"
    name, key = ("libx264", "x264-params") if request.param == "h264" else ("libx265", "x265-params")
    noise = np.random.default_rng(2)
    with av.open(str(path), "w") as container:
        parameters = "keyint=25:bframes=0" + (":log-level=none" if name == "libx265" else "")
        stream = container.add_stream(name, rate=25, options={key: parameters, "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index in range(150):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (96, 128, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
