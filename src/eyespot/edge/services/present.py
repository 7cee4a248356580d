"""Is any service installed? Asked by the supervisor every two seconds, so it looks at one folder and loads nothing."""

import os
from pathlib import Path


def any_installed(services_dir: Path) -> bool:
    """Whether ``services_dir`` holds a service; what begins with a dot is only being made."""
    try:
        with os.scandir(services_dir) as found:
            return any(entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".") for entry in found)
    except OSError:
        return False
