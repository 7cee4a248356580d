"""What a service keeps: documents that are whole or as before, hours that are found again, regions."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.sdk.document import Document
from eyespot.sdk.hours import HOUR_NS, Hours
from eyespot.sdk.regions import Region, foot_point, read_regions

DAY_NS = 24 * HOUR_NS


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    document = Document(tmp_path / "deep" / "one.json")
    assert document.read() is None
    document.write({"a": [1, 2.5]})
    assert Document(tmp_path / "deep" / "one.json").read() == {"a": [1, 2.5]}


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 100_000, b'"' + b"x" * 2_000_000 + b'"', b"\xff"])
def test_a_damaged_document_is_put_aside(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "one.json").write_bytes(text)
    document = Document(tmp_path / "one.json")
    assert document.read() is None
    assert (tmp_path / "one.json.damaged").read_bytes() == text
    document.write(1)
    assert document.read() == 1


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = Document(tmp_path / "one.json")
    document.write("before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EyespotError) as caught:
        document.write("after")
    assert (caught.value.kind, document.read()) == (Kind.EXHAUSTED, "before")
    with pytest.raises(EyespotError) as caught:
        Document(tmp_path / "two.json", max_bytes=10).write("x" * 20)
    assert caught.value.kind is Kind.TOO_LARGE


def test_hours_are_found_again_and_old_ones_go(tmp_path: Path) -> None:
    hours = Hours(tmp_path / "hours", keep_days=2)
    begin_ns = 20_000 * DAY_NS
    for day in range(5):
        for hour in (0, 23):
            hours.at(begin_ns + day * DAY_NS + hour * HOUR_NS)["n"] = day * 24 + hour
    hours.save()
    again = Hours(tmp_path / "hours", keep_days=2)
    found = [(start - begin_ns) // HOUR_NS for start, _ in again.between(0, 1 << 62)]
    assert found == [48, 71, 72, 95, 96, 119]
    assert [values["n"] for _, values in again.between(begin_ns + 71 * HOUR_NS + 1, begin_ns + 72 * HOUR_NS + 1)] == [
        71,
        72,
    ]
    assert again.at(begin_ns + 96 * HOUR_NS + NS_PER_S) == {"n": 96}


def test_what_was_not_saved_is_seen_by_who_put_it_there(tmp_path: Path) -> None:
    hours = Hours(tmp_path / "hours", keep_days=2)
    hours.at(0)["n"] = 1
    assert list(hours.between(0, 1)) == [(0, {"n": 1})]
    assert list(Hours(tmp_path / "hours", keep_days=2).between(0, 1)) == []


corner = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.lists(corner, min_size=3, max_size=8), corner)
@example([(0.0, 0.0), (0.0, 2.2250738585e-313), (1.0, 0.0)], (0.5, 0.0))
def test_a_region_holds_what_the_camera_s_own_zones_hold(
    points: list[tuple[float, float]], at: tuple[float, float]
) -> None:
    import numpy as np

    from eyespot.vision.zones import Polygon

    polygon = Polygon(tuple(points))
    assert Region("one", tuple(points)).holds(at) == bool(polygon.holds(np.array([at]))[0])


def test_regions_of_settings() -> None:
    square = {"name": "all", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    (region,) = read_regions([square])
    assert region.holds((1.0, 1.0))
    assert foot_point((0.2, 0.1, 0.4, 0.9)) == pytest.approx((0.3, 0.9))
    for wrong, why in (
        ([square, square], "Two regions"),
        ([{"name": "line", "points": [[0, 0], [1, 1], [0, 0]]}], "corners"),
    ):
        with pytest.raises(EyespotError, match=why):
            read_regions(wrong)
