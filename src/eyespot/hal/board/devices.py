"""Cameras, codecs of the kernel, image processors and GPIO chips: opened without waiting and asked who they are.

The requests only read (linux/videodev2.h, linux/media.h, linux/gpio.h); nothing is configured, streamed or switched.
"""

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from eyespot.hal.board.item import Item
from eyespot.hal.board.roots import Roots, entries

_QUERYCAP, _CAPABILITY = 0x80685600, struct.Struct("=16s32s32sIII12x")
_ENUM_FMT, _FORMAT = 0xC0405602, struct.Struct("=III32s4sI12x")
_MEDIA_INFO, _MEDIA = 0xC1007C00, struct.Struct("=16s32s40s32sIII124x")
_CHIP_INFO, _CHIP = 0x8044B401, struct.Struct("=32s32sI")
_CAPTURE, _CAPTURE_MPLANE, _M2M_MPLANE, _M2M, _DEVICE_CAPS = 0x1, 0x1000, 0x4000, 0x8000, 0x80000000
_QUEUES = {False: ((1, "capture"), (2, "output")), True: ((9, "capture"), (10, "output"))}
"""Whether a device has several planes → its queues' type numbers."""
_CODED = {b"H264": "H.264", b"S264": "H.264", b"HEVC": "H.265", b"S265": "H.265", b"VP80": "VP8", b"VP8F": "VP8",
          b"VP90": "VP9", b"VP9F": "VP9", b"AV1F": "AV1", b"AV01": "AV1", b"JPEG": "JPEG", b"MJPG": "JPEG",
          b"MPG4": "MPEG-4", b"MPG2": "MPEG-2"}  # fmt: skip
_MAX_FORMATS = 32
Ask = Callable[[int, struct.Struct, bytes], tuple[Any, ...]]
"""From a request, its layout and the question's bytes to the answer's fields; raises ``OSError``."""


def look_for_cameras(roots: Roots) -> Iterator[Item]:
    """V4L2 devices: those that capture are ``sensor``, those that code are ``codec``."""
    for node in entries(roots.dev, "video[0-9]*"):
        name = str(Path("/dev") / node.relative_to(roots.dev))
        handle, problem = _open(node)
        if handle is None:
            yield Item("sensor", name, False, problem, "Add the user to the group video.")
            continue
        try:
            yield describe_camera(name, partial(_ask, handle))
        except OSError as error:
            yield Item("sensor", name, False, f"does not answer as a V4L2 device: {error.strerror}")
        finally:
            os.close(handle)


def describe_camera(name: str, ask: Ask) -> Item:
    """What the V4L2 device behind ``ask`` is; raises ``OSError`` when it does not answer."""
    driver, card, _, _, caps, device_caps = ask(_QUERYCAP, _CAPABILITY, bytes(_CAPABILITY.size))
    caps = device_caps if caps & _DEVICE_CAPS else caps
    who = f"{_word(card)} (driver {_word(driver)})"
    if caps & (_M2M | _M2M_MPLANE):
        many = bool(caps & _M2M_MPLANE)
        coded = {queue: _coded(ask, number) for number, queue in _QUEUES[many]}
        does = [f"decodes {', '.join(coded['output'])}"] if coded["output"] else []
        does += [f"encodes {', '.join(coded['capture'])}"] if coded["capture"] else []
        return Item("codec", name, bool(does), f"V4L2 M2M {who}: {'; '.join(does) or 'converts'}", tested=False)
    if caps & (_CAPTURE | _CAPTURE_MPLANE):
        return Item("sensor", name, True, f"camera {who}", f'Use it with source = "{name}".', tested=False)
    return Item("sensor", name, False, f"no camera: {who}")


def _coded(ask: Ask, queue: int) -> list[str]:
    """Names of the coded formats of a queue, each once."""
    names: list[str] = []
    for index in range(_MAX_FORMATS):
        try:
            answer = ask(_ENUM_FMT, _FORMAT, _FORMAT.pack(index, queue, 0, b"", b"", 0))
        except OSError:
            break
        name = _CODED.get(answer[4], "")
        if name and name not in names:
            names.append(name)
    return names


def look_for_image_processors(roots: Roots) -> Iterator[Item]:
    """Media controllers: the kernel's name for a sensor's path through an image signal processor."""
    for node in entries(roots.dev, "media[0-9]*"):
        name = str(Path("/dev") / node.relative_to(roots.dev))
        handle, problem = _open(node)
        if handle is None:
            yield Item("isp", name, False, problem, "Add the user to the group video.")
            continue
        try:
            driver, model, *_ = _ask(handle, _MEDIA_INFO, _MEDIA, bytes(_MEDIA.size))
            yield Item("isp", name, True, f"{_word(model)} (driver {_word(driver)})", tested=False)
        except OSError as error:
            yield Item("isp", name, False, f"does not answer: {error.strerror}")
        finally:
            os.close(handle)


def look_for_gpio(roots: Roots) -> Iterator[Item]:
    """GPIO chips, for relays and inputs."""
    for node in entries(roots.dev, "gpiochip[0-9]*"):
        name = str(Path("/dev") / node.relative_to(roots.dev))
        handle, problem = _open(node)
        if handle is None:
            yield Item("gpio", name, False, problem, f"Add the user to the group of {name}.")
            continue
        try:
            _, label, lines = _ask(handle, _CHIP_INFO, _CHIP, bytes(_CHIP.size))
            yield Item("gpio", name, True, f"{_word(label)}: {lines} lines", tested=False)
        except OSError as error:
            yield Item("gpio", name, False, f"does not answer: {error.strerror}")
        finally:
            os.close(handle)


def _open(node: Path) -> tuple[int | None, str]:
    """A handle that never waits, or None and why not."""
    try:
        return os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC), ""
    except OSError as error:
        return None, f"cannot be opened: {error.strerror}"


def _ask(handle: int, request: int, layout: struct.Struct, question: bytes) -> tuple[Any, ...]:
    buffer = bytearray(question)
    fcntl.ioctl(handle, request, buffer, True)
    return layout.unpack(buffer)


def _word(raw: bytes) -> str:
    """A C string with nothing in it that a terminal would act on."""
    text = raw.split(b"\0")[0].decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)
