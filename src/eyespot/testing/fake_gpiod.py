"""libgpiod without a chip: what the tests of GPIO lines switch."""

import errno
from enum import Enum
from types import SimpleNamespace
from typing import Any


class _Direction(Enum):
    OUTPUT = 3


class _Value(Enum):
    INACTIVE = 0
    ACTIVE = 1


class FakeGpiod:
    """The part of libgpiod's binding (version 2) that ``hal.outputs.gpiod`` uses, over one chip in memory.

    ``volts`` holds each wire's level, by line; ``lines`` maps names to numbers; ``failure`` is an errno to answer with.
    """

    line = SimpleNamespace(Direction=_Direction, Value=_Value)

    def __init__(self, chip: str = "/dev/gpiochip0", lines: dict[str, int] | None = None, count: int = 8) -> None:
        self.volts = dict.fromkeys(range(count), False)
        self.held: set[int] = set()
        self.failure = 0
        self._chip, self._lines = chip, lines or {}

    def LineSettings(self, *, direction: Any, active_low: bool, output_value: Any) -> Any:  # noqa: N802 - the binding's
        """As the binding's class."""
        assert direction is _Direction.OUTPUT
        return SimpleNamespace(active_low=active_low, output_value=output_value)

    def request_lines(self, path: str, config: dict[int | str, Any], consumer: str) -> "FakeRequest":
        """As the binding's function."""
        assert consumer
        if path != self._chip:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        (line, settings), *_ = config.items()
        if isinstance(line, str) and line not in self._lines:
            raise ValueError("line not found")
        number = self._lines[line] if isinstance(line, str) else line
        if number not in self.volts:
            raise OSError(errno.EINVAL, "Invalid argument")
        if number in self.held:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.held.add(number)
        request = FakeRequest(self, line, number, settings)
        request.set_value(line, settings.output_value)
        return request


class FakeRequest:
    """A line that is held."""

    def __init__(self, chip: FakeGpiod, line: int | str, number: int, settings: Any) -> None:
        self._chip, self._line, self._number, self._settings = chip, line, number, settings

    def set_value(self, line: int | str, value: Any) -> None:
        """As the binding's method."""
        self._check(line)
        self._chip.volts[self._number] = (value is _Value.ACTIVE) != self._settings.active_low

    def get_value(self, line: int | str) -> Any:
        """As the binding's method."""
        self._check(line)
        return _Value(int(self._chip.volts[self._number] != self._settings.active_low))

    def release(self) -> None:
        """As the binding's method; the wire keeps its level."""
        self._chip.held.discard(self._number)

    def _check(self, line: int | str) -> None:
        assert line == self._line
        if self._chip.failure:
            raise OSError(self._chip.failure, "No such device")
