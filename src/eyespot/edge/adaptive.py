"""Whether a picture is worth a detection: joins the schedule to motion and to what the scene expects.

Of footage every picture is asked about; of a live camera those that are due, so its rate bounds the detections.
"""

import math
from collections.abc import Sequence

import numpy as np

from eyespot.contracts.detections import Boxes
from eyespot.edge.scene import Scene
from eyespot.media.decode import Frame
from eyespot.vision.motion import MotionGate
from eyespot.vision.schedule import Box, DetectionSchedule, ScheduleSettings
from eyespot.vision.track.tracks import Tracks

GREY_WIDTH_PX = 160
FLOOR_PART, LEAST_FLOOR_HZ = 0.5, 1.0
"""What moves and is known is looked at by this part of a live camera's rate, and so often at least."""
PUZZLE_S, BARREN_S, MOST_TRIES = 2.0, 6.0, 16
"""Motion that no known object explains is looked at so long at a live camera's full rate (by so many looks at most);
a place that has shown nothing by then, a tree perhaps, is at the floor rate for the rest of the longer time.
"""


class Adaptive:
    """One camera's adaptive detection; every picture is shown to it, in order."""

    def __init__(self, scene: Scene, settings: ScheduleSettings | None = None) -> None:
        self.schedule = DetectionSchedule(settings)
        self._scene = scene
        self._gate = MotionGate()

    def is_worth(self, frame: Frame) -> bool:
        """Look at ``frame`` in small; when it is not worth more, the scene goes on with what it expects."""
        expected, sure = self._scene.expected(frame.capture_ns)
        height_px = max(16, round(GREY_WIDTH_PX * frame.height_px / frame.width_px))
        motion = self._gate.update(frame.grey(GREY_WIDTH_PX, height_px), frame.capture_ns, is_key=frame.is_key)
        if self.schedule.wants(frame.capture_ns, motion.boxes, expected.boxes, sure=sure):
            return True
        self._scene.trust(expected)
        return False


class LiveAdaptive:
    """The same for a live camera, which has its own motion gate; asked about the pictures that are due.

    Whatever begins to move where nothing is known is news at the first picture that shows it, so nothing new is seen
    later than with a detection in each. What stays unexplained for ``PUZZLE_S`` is then looked at at the floor rate.

    Args:
        rate_hz: at which pictures are due.
    """

    def __init__(self, scene: Scene, rate_hz: float) -> None:
        self.schedule = DetectionSchedule(live_settings(rate_hz))
        self._scene = scene

    def expected(self, capture_ns: int, changed: Sequence[Box]) -> Tracks | None:
        """Where everything should be in a picture that is not worth a detection; None for one that is.

        Args:
            changed: where the picture differs from the background, see ``MotionGate.changed``.
        """
        expected, sure = self._scene.expected(capture_ns)
        sure = sure and not self._scene.has_missed and not any_overlap(expected.boxes)
        return None if self.schedule.wants(capture_ns, changed, expected.boxes, sure=sure) else expected


def any_overlap(boxes: Boxes) -> bool:
    """Whether two of ``boxes``, ``(N, 4)``, overlap: who is who is then told apart by looking often."""
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    return bool((low < high).all(axis=2).sum() > len(boxes))


def live_settings(rate_hz: float) -> ScheduleSettings:
    """The schedule between pictures due at ``rate_hz``; above, the pictures themselves are the ceiling."""
    usual = ScheduleSettings()
    return ScheduleSettings(
        floor_hz=min(rate_hz, max(LEAST_FLOOR_HZ, rate_hz * FLOOR_PART)),
        idle_hz=min(rate_hz, usual.idle_hz),
        ceiling_hz=240.0,
        barren_s=BARREN_S,
        tries=min(MOST_TRIES, math.ceil(PUZZLE_S * rate_hz)),
    )
