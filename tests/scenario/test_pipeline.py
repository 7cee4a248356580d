"""The whole pipeline over a file: every frame counts, all is kept, and adaptive detection finds the same for less."""

import asyncio
from pathlib import Path

import av
import pytest

from eyespot.edge.events.store import EventStore
from eyespot.edge.layout import StateLayout
from eyespot.edge.pipeline import FastReport, run_fast
from eyespot.infer.package import ModelPackage
from eyespot.vision.track.tracks import Tracks

pytestmark = pytest.mark.footage

FRAMES = 120


@pytest.fixture(scope="module")
def clip(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first twelve seconds of the sample clip, packets copied."""
    target = tmp_path_factory.mktemp("clip") / "short.mp4"
    with av.open(str(sample_clip)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for packet in [packet for packet in source.demux(stream) if packet.size][:FRAMES]:
            packet.stream = copy
            out.mux(packet)
    return target


def run(clip: Path, model_dir: Path, state: Path, *, adaptive: bool) -> tuple[FastReport, list[Tracks]]:
    package, seen = ModelPackage.load(model_dir / "nanodet-g"), list[Tracks]()
    return asyncio.run(run_fast(clip, package, state, adaptive=adaptive, show=seen.append)), seen


def stored(state: Path) -> int:
    store = EventStore(StateLayout.of(state).events_db)
    try:
        return store.count()
    finally:
        store.close()


def test_every_frame_is_seen_and_everything_is_kept(clip: Path, model_dir: Path, tmp_path: Path) -> None:
    report, seen = run(clip, model_dir, tmp_path / "all", adaptive=False)
    assert (report.frames, report.inferences, len(seen)) == (FRAMES, FRAMES, FRAMES)
    assert [tracks.capture_ns for tracks in seen] == sorted({tracks.capture_ns for tracks in seen})
    assert report.segments >= 1
    assert 0.9 * clip.stat().st_size < report.bytes_recorded < 1.1 * clip.stat().st_size
    assert report.events == stored(tmp_path / "all") >= report.tracks >= 5
    assert len(list((tmp_path / "all").rglob("*.jpg"))) >= report.tracks


def test_adaptive_detection_follows_the_same_people_with_fewer_inferences(
    clip: Path, model_dir: Path, tmp_path: Path
) -> None:
    every, seen_every = run(clip, model_dir, tmp_path / "every", adaptive=False)
    adaptive, seen = run(clip, model_dir, tmp_path / "adaptive", adaptive=True)
    assert (adaptive.frames, len(seen)) == (FRAMES, FRAMES)
    assert adaptive.inferences < 0.7 * every.inferences
    assert abs(adaptive.tracks - every.tracks) <= 2
    crowds = [(len(one), len(other)) for one, other in zip(seen, seen_every, strict=True)][FRAMES // 4 :]
    assert sum(abs(one - other) <= 1 for one, other in crowds) > 0.85 * len(crowds)
