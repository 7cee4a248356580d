"""Flat views of fisheye pictures: they cover the lens, and boxes found in them land where the objects are."""

import math
from typing import Any, cast

import numpy as np
import pytest
from av.video.frame import VideoFrame

from eyespot.contracts.detections import Detections
from eyespot.contracts.lens import LensGeometry
from eyespot.edge.detector import Asked, Detector
from eyespot.edge.flat_views import FlatViews, flat_views
from eyespot.media.decode import Frame
from eyespot.media.lens import Look, project
from eyespot.media.pixels import Scalers
from eyespot.testing.fisheye_scene import ROUND, UprightDetector, fisheye_with_object, told, true_box

WIDE = LensGeometry("polynomial", 0.25, 0.25 * 16 / 9, k=(-0.02, 0.001, 0, 0), max_degrees=100)


def frame_of(picture: Any) -> Frame:
    made = VideoFrame.from_ndarray(np.repeat(picture[..., None], 3, axis=2), "rgb24").reformat(format="yuv420p")
    return Frame(made, Scalers())


def test_only_lenses_that_bend_need_views() -> None:
    assert flat_views(None, (640, 480), (208, 208)) is None
    assert flat_views(LensGeometry("perspective", 0.8, 0.8), (640, 480), (208, 208)) is None
    assert flat_views(ROUND, (480, 480), (208, 208)) is not None


@pytest.mark.parametrize(
    ("lens", "picture_px", "input_px", "most_x", "most_y"),
    [(ROUND, (480, 480), (208, 208), 84, 70), (WIDE, (1920, 1080), (256, 416), 88, 40)],
)
def test_every_direction_is_seen_by_some_view(
    lens: LensGeometry, picture_px: tuple[int, int], input_px: tuple[int, int], most_x: float, most_y: float
) -> None:
    views = FlatViews(lens, picture_px, input_px)
    for pan in np.radians(np.arange(-most_x, most_x + 1, 6)):
        for tilt in np.radians([-most_y, -20, 0, 20, most_y]):
            if max(abs(pan), abs(tilt)) > 1.3 and min(abs(pan), abs(tilt)) > 0.7:
                continue  # the corners of a round picture show nothing
            ray = np.array([math.sin(pan) * math.cos(tilt), math.sin(tilt), math.cos(pan) * math.cos(tilt)])
            point = project(lens, ray)
            places = np.array([view.dewarp.to_view(point) for view in views._views])
            assert ((places > 0) & (places < 1)).all(axis=1).any(), (math.degrees(pan), math.degrees(tilt))


def test_ordinary_fisheye_lenses_cost_seven_looks_and_narrow_ones_two() -> None:
    """With the one at the whole picture."""
    for lens, looks in ((ROUND, 7), (LensGeometry("equidistant", 0.62, 0.62), 2)):
        detector = cast(Detector, UprightDetector())
        views = FlatViews(lens, (480, 480), detector.input_px)
        assert len(views.images(detector, frame_of(np.zeros((480, 480), np.uint8)))) == looks


@pytest.mark.parametrize(
    ("look", "box"),
    [
        (Look(-45, -30), (0.36, 0.30, 0.52, 0.62)),
        (Look(45, -30), (0.54, 0.25, 0.70, 0.57)),
        (Look(45, 30), (0.50, 0.45, 0.66, 0.77)),
        (Look(0, 0), (0.42, 0.35, 0.58, 0.67)),
    ],
)
async def test_an_object_is_found_where_it_is_seen(look: Look, box: tuple[float, float, float, float]) -> None:
    picture, detector = fisheye_with_object(ROUND, look, box), cast(Detector, UprightDetector())
    views = FlatViews(ROUND, (480, 480), detector.input_px)
    frame = frame_of(picture)
    asked = Asked(7, 1.0)
    seen = await views.detect(detector, views.images(detector, frame), asked)
    assert len(seen) == 1
    assert (seen.capture_ns, seen.aspect) == (7, 1.0)
    np.testing.assert_allclose(seen.boxes, [true_box(picture)], atol=0.02)


async def test_the_bent_object_is_not_found_in_the_picture_as_it_is() -> None:
    picture, detector = (
        fisheye_with_object(ROUND, Look(45, -30), (0.54, 0.25, 0.70, 0.57)),
        cast(Detector, UprightDetector()),
    )
    asked = Asked(7, 1.0)
    assert len(await detector.detect(detector.image(frame_of(picture)), asked)) == 0


async def test_what_an_inner_edge_cuts_off_does_not_count() -> None:
    class Edges(UprightDetector):
        async def detect(self, image: Any, asked: Any) -> Detections:
            return told([(0.5, 0.3, 1.0, 0.6), (0.0, 0.3, 0.3, 0.6)], asked)

    detector = cast(Detector, Edges())
    views = FlatViews(ROUND, (480, 480), detector.input_px)
    images = views.images(detector, frame_of(np.zeros((480, 480), np.uint8)))
    seen = await views.detect(detector, images, Asked(7, 1.0))
    assert len(seen) == 6, "of each row the left end of the first view and the right end of the last; the whole picture"
    assert ((seen.boxes >= 0) & (seen.boxes <= 1)).all()
    assert (seen.boxes[:, 2:] > seen.boxes[:, :2]).all()
