"""The tracking bench's own parts: scenes that can be repeated, truth that is read right, targets in the report."""

from pathlib import Path

import pytest

from eyespot.bench import track_own
from eyespot.bench.track import real_figures
from eyespot.bench.track_clips import input_sizes, read_truth, speed_clip, synthetic_clips
from eyespot.bench.track_scenes import KINDS, scene
from eyespot.infer.package import Input
from eyespot.kernel.errors import EyespotError


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_scene_is_the_same_for_the_same_seed(kind) -> None:
    first, again = scene(kind, 3), scene(kind, 3)
    assert first.truth == again.truth
    assert len(first.detections) == round(kind.fps * kind.seconds)
    assert scene(kind, 4).truth != first.truth
    in_frame = [row for row in first.truth if row[0] == 5]
    assert 1 <= len(in_frame) <= kind.objects
    assert len({row[1] for row in in_frame}) == len(in_frame)


def test_our_tracker_follows_the_synthetic_clips() -> None:
    for name, clip in synthetic_clips().items():
        rows = track_own.follow(clip.job)
        assert 0.5 * len(clip.truth) < len(rows) < 1.3 * len(clip.truth), name


def test_speed_clips_hold_the_objects_they_promise() -> None:
    for objects in (8, 100):
        assert {len(frame) for frame in speed_clip(objects)["frames"]} == {objects}


def test_truth_in_motchallenge_format(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("1,9,499,158,31.5,75,1,-1,-1,-1\n2,9,500,158,31.5,75,0,-1,-1,-1\n", encoding="utf-8")
    assert read_truth(path) == [[0.0, 9.0, 499.0, 158.0, 31.5, 75.0]]
    path.write_text("1,2,3\n", encoding="utf-8")
    with pytest.raises(EyespotError, match="3 columns"):
        read_truth(path)
    path.write_text("frame,id\n", encoding="utf-8")
    with pytest.raises(EyespotError, match="not MOTChallenge"):
        read_truth(path)
    with pytest.raises(EyespotError, match="no ground truth"):
        read_truth(tmp_path / "absent.txt")


def test_the_real_clip_is_judged_at_the_products_own_input_size_first_and_at_its_neighbours() -> None:
    assert input_sizes(Input(width_px=416, height_px=416, multiple_px=32), 4 / 3) == [
        (320, 416),
        (288, 384),
        (320, 448),
    ]
    assert input_sizes(Input(width_px=64, height_px=64, multiple_px=32), 1.0) == [(64, 64), (96, 96)]
    assert input_sizes(Input(width_px=300, height_px=300), 4 / 3) == [(300, 300)]


def test_figures_are_medians_over_the_sets_and_the_worst() -> None:
    sets = [{"hota": 60.0, "mota": 80.0, "idf1": 90.0}, {"hota": 50.0, "mota": 70.0, "idf1": 70.0},
            {"hota": 62.0, "mota": 75.0, "idf1": 81.5}]  # fmt: skip
    assert real_figures(sets) == {"hota": 60.0, "mota": 75.0, "idf1": 81.5, "hota_worst": 50.0, "idf1_worst": 70.0}
    assert real_figures([]) == {}
