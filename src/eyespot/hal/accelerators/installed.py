"""What is installed, told without importing it: an import costs memory that a camera may not have."""

import importlib.metadata
import importlib.util
from pathlib import Path


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
