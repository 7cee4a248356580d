"""Views: equal ones are one, and what cannot be meant is refused in words."""

from typing import Any

import pytest

from eyespot.contracts.view import NamedView, View
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError, Kind


def test_equal_views_are_one_distinct_view() -> None:
    one = View(camera="yard", form="crops", labels=("person", "car", "person"), rate_hz=5)
    other = View.model_validate_json('{"camera":"yard","form":"crops","labels":["car","person"]}')
    assert one == other
    assert len({one, other, View(camera="yard")}) == 2


def test_a_named_view_shows_the_same_whatever_it_is_called() -> None:
    views = {NamedView(name=name, width_px=320, height_px=180).view for name in ("door", "hall")}
    assert views == {View(width_px=320, height_px=180)}


def test_any_camera_becomes_a_definite_one() -> None:
    boxes = NamedView(name="door", form="boxes", labels=("person",))
    assert boxes.of("yard", "main") == View(camera="yard", stream="main", form="boxes", labels=("person",))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"camera": "Über"}, "no camera id"),
        ({"form": "everything"}, "'full', 'crops', 'silhouette', 'boxes' or 'metadata'"),
        ({"form": "full", "labels": ["person"]}, "'labels' means nothing for form 'full'"),
        ({"form": "boxes", "width_px": 320}, "has no pixels, leave out width_px"),
        ({"form": "metadata", "pixels": "grey"}, "has no pixels, leave out pixels"),
        ({"form": "crops", "labels": ["x" * 24]}, "a label has 1 to 23 bytes"),
        ({"form": "crops", "labels": ["a\nb"]}, "printable"),
        ({"form": "crops", "labels": [str(n) for n in range(17)]}, "at most 16 entries"),
        ({"pixels": "nv12", "width_px": 321}, "must be even"),
        ({"width_px": 4097}, "from 16 to 4096"),
        ({"rate_hz": 0}, "'rate_hz' must be more than 0"),
        ({"rate_hz": float("nan")}, "rate_hz"),
        ({"region": [0.5, 0, 0.5, 1]}, "at least 0.01 wide and high"),
        ({"region": [0, 0, 1.5, 1]}, "fractions from 0 to 1"),
        ({"region": [0, 0, float("nan"), 1]}, "fractions from 0 to 1"),
        ({"widht_px": 4}, "did you mean 'width_px'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(document: dict[str, Any], words: str) -> None:
    with pytest.raises(EyespotError) as refused:
        validate(View, document, "view")
    assert refused.value.kind is Kind.INVALID
    assert words in refused.value.what


@pytest.mark.parametrize(
    ("pixels", "count"), [("rgb", 320 * 180 * 3), ("nv12", 320 * 180 * 3 // 2), ("grey", 320 * 180)]
)
def test_bytes_of_a_frame(pixels: str, count: int) -> None:
    assert View.model_validate({"pixels": pixels, "width_px": 320, "height_px": 180}).pixel_bytes == count
    assert View(form="boxes").pixel_bytes == 0
