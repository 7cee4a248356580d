"""The part of Linux' V4L2 interface that controls use: structures and request numbers of ``linux/videodev2.h``.

Layouts are those of the kernel's header on any Linux (checked against it by a test where the header is installed).
"""

import ctypes

CTRL_FLAG_DISABLED = 0x0001
CTRL_FLAG_READ_ONLY = 0x0004
CTRL_FLAG_INACTIVE = 0x0010
CTRL_FLAG_WRITE_ONLY = 0x0040
TYPE_INTEGER, TYPE_BOOLEAN, TYPE_MENU = 1, 2, 3
WHICH_CUR_VAL = 0

CID_BRIGHTNESS = 0x00980900
CID_CONTRAST = 0x00980901
CID_SATURATION = 0x00980902
CID_AUTO_WHITE_BALANCE = 0x0098090C
CID_GAIN = 0x00980913
CID_HFLIP = 0x00980914
CID_VFLIP = 0x00980915
CID_POWER_LINE_FREQUENCY = 0x00980918
CID_WHITE_BALANCE_TEMPERATURE = 0x0098091A
CID_SHARPNESS = 0x0098091B
CID_ROTATE = 0x00980922
CID_EXPOSURE_AUTO = 0x009A0901
CID_EXPOSURE_ABSOLUTE = 0x009A0902
CID_FOCUS_ABSOLUTE = 0x009A090A
CID_FOCUS_AUTO = 0x009A090C
CID_WIDE_DYNAMIC_RANGE = 0x009A0915
CID_ANALOGUE_GAIN = 0x009E0903


class QueryExtCtrl(ctypes.Structure):
    """``struct v4l2_query_ext_ctrl``."""

    _fields_ = (
        ("id", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("name", ctypes.c_char * 32),
        ("minimum", ctypes.c_int64),
        ("maximum", ctypes.c_int64),
        ("step", ctypes.c_uint64),
        ("default_value", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("elem_size", ctypes.c_uint32),
        ("elems", ctypes.c_uint32),
        ("nr_of_dims", ctypes.c_uint32),
        ("dims", ctypes.c_uint32 * 4),
        ("reserved", ctypes.c_uint32 * 32),
    )


class QueryMenu(ctypes.Structure):
    """``struct v4l2_querymenu``, with the name of its union."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (
        ("id", ctypes.c_uint32),
        ("index", ctypes.c_uint32),
        ("name", ctypes.c_char * 32),
        ("reserved", ctypes.c_uint32),
    )


class ExtControl(ctypes.Structure):
    """``struct v4l2_ext_control``; the union is read as its largest number, and ``value`` is its low half."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (
        ("id", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("reserved2", ctypes.c_uint32),
        ("value", ctypes.c_int32),
        ("value_high", ctypes.c_int32),
    )


class ExtControls(ctypes.Structure):
    """``struct v4l2_ext_controls``."""

    _fields_ = (
        ("which", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("error_idx", ctypes.c_uint32),
        ("request_fd", ctypes.c_int32),
        ("reserved", ctypes.c_uint32),
        ("controls", ctypes.POINTER(ExtControl)),
    )


def _iowr(number: int, structure: type[ctypes.Structure]) -> int:
    """``_IOWR('V', number, structure)`` as on x86, Arm and RISC-V."""
    return (3 << 30) | (ctypes.sizeof(structure) << 16) | (ord("V") << 8) | number


VIDIOC_QUERYMENU = _iowr(37, QueryMenu)
VIDIOC_G_EXT_CTRLS = _iowr(71, ExtControls)
VIDIOC_S_EXT_CTRLS = _iowr(72, ExtControls)
VIDIOC_QUERY_EXT_CTRL = _iowr(103, QueryExtCtrl)
