"""Tiny real clips, encoded once a session."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

MakeClip = Callable[..., Path]


def _encode(path: Path, codec: str, width_px: int, height_px: int, *, frames: int, b_frames: int, audio: bool) -> Path:
    parameters = f"keyint=10:min-keyint=10:scenecut=0:bframes={b_frames}:open-gop=0"
    with av.open(str(path), "w") as container:
        name, key = ("libx264", "x264-params") if codec == "h264" else ("libx265", "x265-params")
        options = {key: parameters + ("" if codec == "h264" else ":log-level=none"), "preset": "ultrafast"}
        if b_frames:
            options["preset"] = "veryfast"
        stream = container.add_stream(name, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono") if audio else None
        noise = np.random.default_rng(1)
        for index in range(frames):
            picture = noise.integers(0, 255, (height_px, width_px, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        if sound is not None:
            for index in range(frames * 16_000 // 25 // 1024):
                samples = av.AudioFrame.from_ndarray(noise.random((1, 1024), np.float32) - 0.5, "fltp", "mono")
                samples.sample_rate, samples.pts, samples.time_base = 16_000, index * 1024, Fraction(1, 16_000)
                container.mux(sound.encode(samples))
            container.mux(sound.encode(None))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """Gives the path of a clip of noise with a key frame every ten frames, 25 a second, cached by its properties."""
    folder = tmp_path_factory.mktemp("clips")

    def make(
        codec: str = "h264",
        width_px: int = 160,
        height_px: int = 120,
        *,
        frames: int = 20,
        b_frames: int = 0,
        audio: bool = False,
    ) -> Path:
        path = folder / f"{codec}-{width_px}x{height_px}-{frames}-{b_frames}-{audio}.mp4"
        if path.exists():
            return path
        return _encode(path, codec, width_px, height_px, frames=frames, b_frames=b_frames, audio=audio)

    return make
