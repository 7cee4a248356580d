"""Whether libcamera is here. Its cameras are not driven: nothing of its Python binding could be tried on a device.

The binding comes with the system's package (``python3-libcamera``), not from PyPI; it is looked for, not imported.
"""

import importlib.util
import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Libcamera:
    """``binding``: its Python module can be found; ``tool``: its command-line tool, empty where there is none."""

    binding: bool
    tool: str

    @property
    def found(self) -> bool:
        """True when libcamera is installed in any form."""
        return self.binding or bool(self.tool)


def probe() -> Libcamera:
    """Look for libcamera; changes nothing and never raises."""
    return Libcamera(importlib.util.find_spec("libcamera") is not None, shutil.which("cam") or "")
