"""Outputs on GPIO lines of the Linux kernel, by libgpiod's Python binding, version 2.

The binding (``pip install gpiod``, LGPL-2.1-or-later) is imported on first use: cameras without relays do without it.
"""

import errno
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from eyespot.hal.outputs.contract import OutputSettings
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

_CONSUMER = "eyespot"


def available(devices: Path = Path("/dev")) -> bool:
    """True when the binding is installed and there is a GPIO chip; cheap, opens nothing, never raises."""
    return importlib.util.find_spec("gpiod") is not None and any(devices.glob("gpiochip*"))


class GpiodOutput:
    """One line of one chip, held for as long as the output is open. ``library`` replaces the binding, for tests.

    Raises:
        EyespotError: ``INVALID`` when the chip or the line does not exist; ``CONFLICT`` when the line is in use;
            ``FORBIDDEN`` when it may not be used; ``UNAVAILABLE`` when the binding is missing or too old.
    """

    def __init__(self, settings: OutputSettings, library: Any = None) -> None:
        self._settings = settings
        self._gpiod = library if library is not None else _load()
        self._request: Any = self._open()

    @property
    def name(self) -> str:
        return self._settings.name

    def state(self) -> bool:
        """See ``contract.Output``."""
        try:
            value = self._held().get_value(self._settings.line)
        except OSError as error:
            raise self._lost(error) from error
        return bool(value == self._gpiod.line.Value.ACTIVE)

    def switch(self, *, on: bool) -> None:
        """See ``contract.Output``."""
        try:
            self._held().set_value(self._settings.line, self._value(on))
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """See ``contract.Output``."""
        request, self._request = self._request, None
        if request is None:
            return
        try:
            request.set_value(self._settings.line, self._value(self._settings.rest))
        except OSError:
            pass  # the chip is gone, and its wire with it: there is nothing left to put to rest
        finally:
            request.release()

    def _open(self) -> Any:
        settings, gpiod = self._settings, self._gpiod
        wanted = gpiod.LineSettings(
            direction=gpiod.line.Direction.OUTPUT,
            active_low=settings.active_low,
            output_value=self._value(settings.rest),
        )
        try:
            return gpiod.request_lines(settings.chip, config={settings.line: wanted}, consumer=_CONSUMER)
        except FileNotFoundError as error:
            raise invalid(
                f"There is no GPIO chip {settings.chip}.", "'ls /dev/gpiochip*' shows what is there."
            ) from error
        except PermissionError as error:
            raise EyespotError(
                Kind.FORBIDDEN, f"{settings.chip} may not be used.", "Add the camera's user to the group 'gpio'."
            ) from error
        except BlockingIOError as error:
            raise self._busy() from error
        except (ValueError, KeyError) as error:
            raise self._no_line() from error
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> EyespotError:
        if error.errno == errno.EBUSY:
            return self._busy()
        if error.errno == errno.EINVAL:
            return self._no_line()
        chip = self._settings.chip
        return unavailable(f"{chip} cannot be used: {error.strerror}.", "Check that it is a GPIO chip.")

    def _busy(self) -> EyespotError:
        what = f"Line {self._settings.line} of {self._settings.chip} is in use by another program."
        return EyespotError(Kind.CONFLICT, what, "'gpioinfo' shows which.")

    def _no_line(self) -> EyespotError:
        what = f"{self._settings.chip} has no line {self._settings.line}."
        return invalid(what, "'gpioinfo' lists its lines.")

    def _held(self) -> Any:
        if self._request is None:
            raise unavailable(f"Output {self.name} is closed.")
        return self._request

    def _value(self, on: bool) -> Any:
        values = self._gpiod.line.Value
        return values.ACTIVE if on else values.INACTIVE

    def _lost(self, error: OSError) -> EyespotError:
        return unavailable(f"Output {self.name} does not answer: {error.strerror}.", "Check the GPIO chip.")


def _load() -> ModuleType:
    try:
        import gpiod
    except ImportError as error:
        raise unavailable("libgpiod's Python binding is not installed.", "Install it: pip install gpiod") from error
    library: ModuleType = gpiod
    if not hasattr(library, "request_lines"):
        raise unavailable("libgpiod's Python binding is older than version 2.", "Upgrade it: pip install -U gpiod")
    return library
