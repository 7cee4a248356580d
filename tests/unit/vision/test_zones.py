import numpy as np
import pytest
from pydantic import ValidationError

from eyespot.vision.zones import Line, Polygon, Tripwire, Zone, foot_points


def holds(points: tuple[tuple[float, float], ...], *where: tuple[float, float]) -> list[bool]:
    return Polygon(points).holds(np.array(where, float)).tolist()


def test_a_concave_polygon_leaves_its_notch_out() -> None:
    notched = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.3), (0.0, 1.0))
    assert holds(notched, (0.5, 0.2), (0.5, 0.8), (0.1, 0.7), (0.95, 0.7)) == [True, False, True, True]


def test_the_whole_picture_holds_every_foot_point() -> None:
    whole = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    feet = foot_points(np.array([[-0.2, 0.5, 0.1, 1.3], [0.9, 0.9, 1.3, 1.2], [0.0, 0.0, 0.0, 0.0]]))
    assert Polygon(whole).holds(feet).all()


def test_a_flat_polygon_holds_nothing() -> None:
    assert holds(((0.1, 0.5), (0.9, 0.5), (0.5, 0.5)), (0.5, 0.5), (0.5, 0.4)) == [False, False]


def test_sides_of_a_line_going_up_the_picture() -> None:
    wire = Tripwire((0.5, 1.0), (0.5, 0.0))
    assert wire.side(0.7, 0.5, 2.0) == pytest.approx(0.4)
    assert wire.side(0.3, 0.5, 2.0) == pytest.approx(-0.4)


def test_only_the_segment_itself_is_crossed() -> None:
    wire = Tripwire((0.5, 0.2), (0.5, 0.6))
    assert wire.is_crossed((0.4, 0.4), (0.6, 0.4), 1.5)
    assert not wire.is_crossed((0.4, 0.8), (0.6, 0.8), 1.5)


def test_settings_refuse_what_makes_no_sense() -> None:
    with pytest.raises(ValidationError):
        Zone(name="z", points=((0, 0), (1, 1)))
    with pytest.raises(ValidationError):
        Zone(name="z", points=((0, 0), (1, 1), (2, 0)))
    with pytest.raises(ValidationError, match="begins where it ends"):
        Line(name="l", a=(0.5, 0.5), b=(0.5, 0.5))
