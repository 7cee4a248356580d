"""Which imaging driver a camera's device gets."""

from eyespot.hal.imaging.contract import Imaging
from eyespot.hal.imaging.v4l2 import V4l2Imaging
from eyespot.kernel.errors import invalid


def open_imaging(device: str) -> Imaging:
    """The imaging of ``device``, such as ``/dev/video0`` or the node of its sensor, ``/dev/v4l-subdev0``.

    Raises ``INVALID`` for what is no local device (a network camera keeps its own settings), else as the driver.
    """
    if not device.startswith("/dev/"):
        raise invalid(f"{device} has no imaging controls here.", "Only local devices such as /dev/video0 have.")
    return V4l2Imaging(device)
