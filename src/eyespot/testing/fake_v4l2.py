"""A V4L2 device in memory, reached by the same structures as a real one."""

import ctypes
import errno

from eyespot.hal.imaging import v4l2_abi as abi

USB_CAMERA = {
    # id: type, low, high, step, default
    abi.CID_EXPOSURE_AUTO: (abi.TYPE_MENU, 0, 3, 1, 3),
    abi.CID_EXPOSURE_ABSOLUTE: (abi.TYPE_INTEGER, 3, 2047, 1, 250),
    abi.CID_GAIN: (abi.TYPE_INTEGER, 0, 255, 1, 0),
    abi.CID_AUTO_WHITE_BALANCE: (abi.TYPE_BOOLEAN, 0, 1, 1, 1),
    abi.CID_WHITE_BALANCE_TEMPERATURE: (abi.TYPE_INTEGER, 2000, 6500, 10, 4000),
    abi.CID_FOCUS_AUTO: (abi.TYPE_BOOLEAN, 0, 1, 1, 1),
    abi.CID_FOCUS_ABSOLUTE: (abi.TYPE_INTEGER, 0, 250, 5, 0),
    abi.CID_SHARPNESS: (abi.TYPE_INTEGER, 0, 100, 25, 50),
    abi.CID_HFLIP: (abi.TYPE_BOOLEAN, 0, 1, 1, 0),
    abi.CID_POWER_LINE_FREQUENCY: (abi.TYPE_MENU, 0, 2, 1, 2),
}
MENUS = {abi.CID_EXPOSURE_AUTO: (1, 3), abi.CID_POWER_LINE_FREQUENCY: (0, 1, 2)}
NEEDS_MANUAL = {
    abi.CID_EXPOSURE_ABSOLUTE: (abi.CID_EXPOSURE_AUTO, 1),
    abi.CID_WHITE_BALANCE_TEMPERATURE: (abi.CID_AUTO_WHITE_BALANCE, 0),
    abi.CID_FOCUS_ABSOLUTE: (abi.CID_FOCUS_AUTO, 0),
}


class FakeV4l2:
    """Answers as a UVC camera does: EINVAL for what it lacks, EACCES while a loop of its own is on."""

    def __init__(self, controls: dict[int, tuple[int, int, int, int, int]] | None = None) -> None:
        self.controls = dict(USB_CAMERA if controls is None else controls)
        self.values = {cid: facts[4] for cid, facts in self.controls.items()}
        self.flags: dict[int, int] = {}
        self.failure = 0
        self.writes: list[tuple[int, int]] = []

    def ioctl(self, request: int, structure: ctypes.Structure) -> None:
        if self.failure:
            raise OSError(self.failure, "No such device")
        # as the kernel sees it: bytes, of the size that the request number states
        assert (request >> 16) & 0x3FFF == ctypes.sizeof(structure)
        match structure:
            case abi.QueryExtCtrl():
                self._query(structure)
            case abi.QueryMenu():
                if structure.index not in MENUS.get(structure.id, ()):
                    raise OSError(errno.EINVAL, "Invalid argument")
            case abi.ExtControls():
                assert (structure.which, structure.count) == (0, 1)
                self._control(request, structure.controls[0])

    def _query(self, query: abi.QueryExtCtrl) -> None:
        if query.id not in self.controls:
            raise OSError(errno.EINVAL, "Invalid argument")
        query.type, query.minimum, query.maximum, query.step, query.default_value = self.controls[query.id]
        query.flags = self.flags.get(query.id, 0)

    def _control(self, request: int, control: abi.ExtControl) -> None:
        if control.id not in self.controls:
            raise OSError(errno.EINVAL, "Invalid argument")
        if request == abi.VIDIOC_G_EXT_CTRLS:
            control.value = self.values[control.id]
            return
        mode, manual = NEEDS_MANUAL.get(control.id, (0, 0))
        if mode and self.values.get(mode) != manual:
            raise OSError(errno.EACCES, "Permission denied")
        _, low, high, step, _ = self.controls[control.id]
        value = min(max(control.value, low), high)
        self.values[control.id] = low + (value - low) // step * step
        self.writes.append((control.id, self.values[control.id]))
