"""What is installed, told without importing it: an import costs memory that a camera may not have."""

import importlib.metadata
import importlib.util
from pathlib import Path

from eyespot.hal.accelerators.checks import first_line
from eyespot.kernel.errors import EyespotError, unavailable


def folder_of(module: str) -> Path | None:
    """The folder of the package ``module``, or None where it is not installed. Never raises."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):  # a half-removed or hand-made package
        return None
    if spec is None or not spec.origin:
        return None
    return Path(spec.origin).parent


def version_of(*distributions: str) -> str:
    """The version of the first of ``distributions`` that is installed, or an empty string."""
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def not_imported(title: str, module: str, error: ImportError, extra: str) -> EyespotError:
    """``UNAVAILABLE`` for a runtime whose import raised ``error``; one that is there but broken is not called missing.

    Args:
        title: what people call the runtime.
        module: its Python package.
        extra: what to install for it, for example ``eyespot[edge]``.
    """
    if isinstance(error, ModuleNotFoundError) and error.name == module:
        return unavailable(f"{title} is not installed.", f"Install {extra}.")
    return unavailable(f"{title} is installed but does not load: {first_line(error)}.", f"Install {extra} again.")
