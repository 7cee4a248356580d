"""Cadence: as many looks as asked, where they cost the least decoding."""

from itertools import pairwise

import pytest

from eyespot.edge.cadence import Cadence
from eyespot.kernel.clock import NS_PER_S


def looks(rate_hz: float, fps: float, gop_frames: int, *, regular: bool = True, seconds: int = 20) -> list[int]:
    """Numbers of the frames looked at, by a camera that looks at the first frame from each due time on."""
    cadence, found = Cadence(rate_hz), []
    for number in range(round(seconds * fps)):
        capture_ns, key = round(number * NS_PER_S / fps), number // gop_frames * gop_frames
        if capture_ns >= cadence.due_ns:
            found.append(number)
            gop_ns = round(gop_frames * NS_PER_S / fps) if regular else 0
            cadence.looked(capture_ns, round(key * NS_PER_S / fps), gop_ns)
    return found


def decoded(found: list[int], gop_frames: int) -> int:
    """Frames that must be decoded to see ``found``: in each group, up to the last one looked at."""
    last = {number // gop_frames: number % gop_frames for number in found}
    return sum(number + 1 for number in last.values())


@pytest.mark.parametrize(("fps", "gop_frames"), [(30, 30), (25, 25), (25, 50), (15, 15), (30, 60), (20, 40), (30, 300)])
def test_the_rate_is_kept_and_no_pause_is_long(fps: float, gop_frames: int) -> None:
    found = looks(5, fps, gop_frames)
    pauses = [(after - before) / fps for before, after in pairwise(found[5:])]
    assert len(found) == pytest.approx(5 * 20, rel=0.03)
    assert max(pauses) <= 0.2 * 5 / 3 + 1.01 / fps
    assert min(pauses[:-1]) >= 0.2 * 0.4


@pytest.mark.parametrize(
    ("rate_hz", "fps", "gop_frames"), [(5, 10, 10), (5, 8, 8), (4, 8, 8), (8, 12, 12), (10, 15, 30), (5, 12.5, 50)]
)
def test_the_rate_is_kept_where_few_pictures_come(rate_hz: float, fps: float, gop_frames: int) -> None:
    found = looks(rate_hz, fps, gop_frames)
    pauses = [(after - before) / fps for before, after in pairwise(found[5:])]
    assert len(found) == pytest.approx(rate_hz * 20, rel=0.05)
    assert max(pauses) <= 5 / 3 / rate_hz + 1.01 / fps


def test_a_slow_camera_spares_decoding_too() -> None:
    assert decoded(looks(5, 10, 10), 10) <= 0.8 * 20 * 10


def test_a_late_look_and_the_one_due_just_after_are_one() -> None:
    cadence = Cadence(5)
    cadence.looked(NS_PER_S * 3 // 10, 0, NS_PER_S)
    assert cadence.due_ns == pytest.approx(0.468 * NS_PER_S)


def test_it_spares_decoding() -> None:
    lazy, eager = looks(5, 30, 30), looks(5, 30, 30, regular=False)
    assert decoded(lazy, 30) < 0.86 * decoded(eager, 30)
    assert [number % 30 for number in lazy[5:10]] == [0, 5, 10, 15, 20]


@pytest.mark.parametrize("gop_frames", [1, 5, 12])
def test_short_groups_keep_even_pauses(gop_frames: int) -> None:
    found = looks(5, 30, gop_frames)
    assert len(found) == pytest.approx(100, rel=0.05)


def test_a_key_frame_that_does_not_come_stops_nothing() -> None:
    cadence = Cadence(5)
    cadence.looked(0, 0, NS_PER_S)
    for _ in range(30):
        before_ns = cadence.due_ns
        cadence.looked(before_ns, 0, NS_PER_S)
        assert 0 < cadence.due_ns - before_ns <= NS_PER_S * 0.2 * 5 / 3 + 1
