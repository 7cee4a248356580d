"""Which imaging driver a camera's device gets."""

from eyespot.hal.imaging.contract import Imaging
from eyespot.hal.imaging.v4l2 import V4l2Imaging
from eyespot.hal.libcamera.address import is_libcamera
from eyespot.kernel.errors import invalid


def open_imaging(device: str) -> Imaging:
    """The imaging of ``device``: ``/dev/video0``, the node of its sensor, ``/dev/v4l-subdev0``, or ``libcamera:0``.

    Raises ``INVALID`` for what is no local device (a network camera keeps its own settings), else as the driver.
    """
    if is_libcamera(device):
        from eyespot.hal.imaging.libcamera import LibcameraImaging

        return LibcameraImaging(device)
    if not device.startswith("/dev/"):
        raise invalid(
            f"{device} has no imaging controls here.", "Only local devices, /dev/video0 or libcamera:0, have."
        )
    return V4l2Imaging(device)
