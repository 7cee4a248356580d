"""``libcamera:`` addresses: by number, ``libcamera:0``, or by libcamera's own name of the camera."""

from collections.abc import Sequence

from eyespot.kernel.errors import invalid

PREFIX = "libcamera:"


def is_libcamera(source: str) -> bool:
    """Whether ``source`` names a camera of libcamera."""
    return source.startswith(PREFIX)


def wanted_camera(source: str) -> str:
    """The number or name in ``source``: ``0`` of ``libcamera:0``, ``/base/imx708@1a`` of ``libcamera:///base/imx708@1a``.

    Raises ``INVALID`` when there is none.
    """
    wanted = source.removeprefix(PREFIX)
    wanted = wanted.removeprefix("//")
    if not wanted or not is_libcamera(source):
        raise invalid(
            f"{source} names no camera of libcamera.",
            "Write libcamera:0, or libcamera: and the name that `cam -l` shows.",
        )
    return wanted


def position(wanted: str, names: Sequence[str]) -> int | None:
    """Where in libcamera's ``names`` of its cameras the one ``wanted`` by number or name is; None: it is not there."""
    if wanted.isdecimal() and len(wanted) < 4 and int(wanted) < len(names):
        return int(wanted)
    return names.index(wanted) if wanted in names else None
