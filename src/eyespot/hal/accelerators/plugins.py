"""Accelerators from other wheels: entry points of the group ``eyespot.accelerators``.

An entry point names an accelerator, or something that makes one when called without arguments. Each is imported once
a process, in a thread, within a time limit; one that is broken, slow or takes a name that is taken is reported and
left out. ``$EYESPOT_PLUGINS=off`` leaves all of them out.
"""

import logging
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from eyespot.hal.accelerators.checks import first_line
from eyespot.hal.accelerators.contract import Accelerator
from eyespot.hal.accelerators.guard import Guarded
from eyespot.kernel.config import read_env

GROUP = "eyespot.accelerators"
MAX_PLUGINS = 16
LIMIT_S = 10.0
"""An import that takes longer is given up."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point: the accelerator, or what is wrong with it.

    Attributes:
        entry: the entry point's name.
        origin: distribution and version it came in.
        accelerator: None when it cannot be used.
        wrong: one sentence, empty when nothing is.
    """

    entry: str
    origin: str
    accelerator: Guarded | None
    wrong: str = ""


@cache
def installed_plugins() -> tuple[Plugin, ...]:
    """The plug-ins of this environment, read once a process."""
    if read_env("PLUGINS") == "off":
        return ()
    plugins = tuple(load_plugins(entry_points(group=GROUP)))
    for plugin in plugins:
        if plugin.wrong:
            _log.warning("accelerator plug-in %s (%s): %s", plugin.entry, plugin.origin, plugin.wrong)
    return plugins


def load_plugins(entries: Iterable[EntryPoint], *, limit_s: float = LIMIT_S) -> list[Plugin]:
    """Each of ``entries`` (at most ``MAX_PLUGINS``, by name), loaded or with what is wrong. Never raises."""
    plugins: list[Plugin] = []
    names: set[str] = set()
    for entry in sorted(entries, key=lambda item: (item.name, item.value))[:MAX_PLUGINS]:
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
        made, wrong = _load(entry, limit_s)
        wrong = wrong or _misfit(made, names)
        if wrong:
            plugins.append(Plugin(entry.name, origin, None, wrong))
            continue
        names.add(made.name)
        plugins.append(Plugin(entry.name, origin, Guarded(cast(Accelerator, made), origin)))
    return plugins


def _load(entry: EntryPoint, limit_s: float) -> tuple[Any, str]:
    """What the entry point makes and an empty string, or None and what is wrong."""
    results: list[tuple[Any, str]] = []

    def work() -> None:
        try:
            made = entry.load()
            results.append((made() if callable(made) else made, ""))
        except BaseException as error:  # noqa: BLE001 - foreign code, in a thread of its own: even SystemExit ends here
            results.append((None, f"it does not load: {type(error).__name__}: {first_line(error)}."))

    thread = threading.Thread(target=work, name=f"plugin-{entry.name}", daemon=True)
    thread.start()
    thread.join(limit_s)
    return results[0] if results else (None, f"it did not load within {limit_s:g} s.")


def _misfit(made: Any, taken: set[str]) -> str:
    """Why ``made`` cannot be used as an accelerator, or an empty string."""
    try:
        name, formats = made.name, made.formats
        callables = callable(made.available) and callable(made.load)
    except Exception as error:  # noqa: BLE001 - foreign attributes may be code
        return f"it is no accelerator: {first_line(error)}."
    if not callables or not isinstance(name, str) or not _NAME.fullmatch(name):
        return "it is no accelerator: it needs a name of small letters, digits, - and _, `available` and `load`."
    if not isinstance(formats, tuple) or not formats or not all(isinstance(one, str) and one for one in formats):
        return "it is no accelerator: `formats` must be a tuple of file endings."
    if name in taken or name.startswith(RESERVED):
        return f"the name '{name}' is taken."
    return ""


RESERVED = ("onnxruntime", "openvino", "litert", "fake")
"""Beginnings of names that plug-ins may not take."""
