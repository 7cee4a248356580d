"""Whether a picture is worth a detection: joins the schedule to the motion gate and to what the scene expects."""

from eyespot.edge.scene import Scene
from eyespot.media.decode import Frame
from eyespot.vision.motion import MotionGate
from eyespot.vision.schedule import DetectionSchedule, ScheduleSettings

GREY_WIDTH_PX = 160


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
