"""The clips benchmarks run on, made once from the sample clip and kept in the cache."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from eyespot.bench.report import BenchOptions, Progress
from eyespot.kernel.errors import unavailable

SAMPLE = "vtest.avi"
LONG_S = 40.0
"""How much of the clip is scaled up: a Python user's loop takes minutes for it."""
SETTLING_S = 10
"""An encoder's rate control needs so long until the sizes of a still scene's packets stay as they are."""
_X264 = {"preset": "veryfast", "bf": "0", "x264-params": "scenecut=0"}


def sample(options: BenchOptions) -> Path:
    """The clip to measure on: the caller's own, else the sample; raises ``UNAVAILABLE`` when it was never fetched."""
    clip = options.video or options.cache / "footage" / SAMPLE
    if not clip.exists():
        raise unavailable(
            f"There is no clip {clip}.", "Fetch the sample with scripts/sample-clip, or give --video FILE."
        )
    return clip


def as_h264(options: BenchOptions, progress: Progress) -> Path:
    """The clip at its own size and rate as H.264, one key frame a second, as a camera would send it."""
    return _made(options, "native", progress, lambda source, target: _encode(source, target, None, None, progress))


def as_1080p30(options: BenchOptions, progress: Progress) -> Path:
    """The clip's first 40 s scaled to 1920×1080 and repeated to 30 frames a second, H.264 at about 4 Mb/s."""
    size = (1920, 1080)
    return _made(options, "1080p30-40s", progress, lambda source, target: _encode(source, target, size, 30, progress))


def quiet_1080p30(options: BenchOptions, progress: Progress) -> Path:
    """The clip's empty background at 1920×1080, 30 frames a second, with sensor noise, 20 s long.

    It begins where the encoder's rate control has settled, so that it loops without a seam, as a camera's stream would.
    """
    return _made(
        options, "quiet-1080p30-settled", progress, lambda source, target: _encode_quiet(source, target, progress)
    )


def _made(options: BenchOptions, kind: str, progress: Progress, make: Callable[[Path, Path], None]) -> Path:
    source = sample(options)
    target = options.cache / "bench" / "clips" / f"{source.stem}-{source.stat().st_size}-{kind}.mp4"
    if not target.exists():
        progress.step(f"making the {kind} clip (once)")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part.mp4")
        make(source, part)
        part.rename(target)
    return target


def length_s(clip: Path) -> float:
    """How long ``clip`` plays, in seconds; 0 when it does not say."""
    with av.open(str(clip)) as container:
        return float((container.duration or 0) / av.time_base)


def frames(source: Path) -> Iterator[av.VideoFrame]:
    """Every decoded picture of ``source``."""
    with av.open(str(source)) as container:
        yield from container.decode(video=0)


def _encode(source: Path, target: Path, size: tuple[int, int] | None, fps: int | None, progress: Progress) -> None:
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        native_fps = float(stream.average_rate or 25)
        total = stream.frames or 1
        width, height = size or (stream.width, stream.height)
    longest = round(LONG_S * native_fps) if size else None
    rate = fps or round(native_fps)
    repeats = max(1, round(rate / native_fps))
    options = _X264 | {"g": str(rate)} | ({"b": "4M"} if size else {})
    with av.open(str(target), "w") as out:
        video = out.add_stream("libx264", rate=rate, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        pts = 0
        for number, frame in enumerate(islice(frames(source), longest)):
            picture = frame.reformat(width, height, "yuv420p")
            for _ in range(repeats):
                picture.pts, picture.time_base, pts = pts, Fraction(1, rate), pts + 1
                out.mux(video.encode(picture))
            progress.fraction(number / total)
        out.mux(video.encode())


def _encode_quiet(source: Path, target: Path, progress: Progress, seconds: int = 20, rate: int = 30) -> None:
    background = _background(source)
    first = SETTLING_S * rate
    total = first + seconds * rate
    random = np.random.default_rng(7)
    grain = [random.normal(0, 2.0, background.shape[:2]).astype(np.int16) for _ in range(11)]
    with av.open(str(target), "w") as out:
        video = out.add_stream("libx264", rate=rate, options=_X264 | {"g": str(rate), "b": "4M"})
        video.width, video.height, video.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(total):
            noise = np.roll(grain[random.integers(len(grain))], int(random.integers(1000)), axis=1)
            picture = np.clip(background.astype(np.int16) + noise[..., None], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number - first, Fraction(1, rate)
            out.mux([packet for packet in video.encode(frame) if (packet.pts or 0) >= 0])
            progress.fraction(number / total)
        out.mux(video.encode())


def _background(source: Path) -> NDArray[np.uint8]:
    """The median picture of frames spread over the clip, as ``(1080, 1920, 3)`` RGB: what stands still."""
    spread = [frame.to_ndarray(format="rgb24") for number, frame in enumerate(frames(source)) if number % 25 == 0]
    still: NDArray[np.uint8] = np.median(np.stack(spread[:40]).astype(np.float32), axis=0).astype(np.uint8)
    scaled = av.VideoFrame.from_ndarray(still, format="rgb24").reformat(1920, 1080, "rgb24")
    return np.asarray(scaled.to_ndarray(), dtype=np.uint8)
