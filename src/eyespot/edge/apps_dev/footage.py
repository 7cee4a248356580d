"""Footage by the names that tests of services use."""

from pathlib import Path

from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import invalid, unavailable

SAMPLE = "sample"
SYNTHETIC = "synthetic:"


def source_of(footage: str, beside: Path) -> str:
    """The source that ``footage`` of a test means, whose file lies in the folder ``beside``.

    Raises ``UNAVAILABLE`` when the sample clip is not here, ``INVALID`` when there is no such file.
    """
    if footage.startswith(SYNTHETIC):
        return footage
    if footage == SAMPLE:
        clip = cache_dir() / "footage" / "vtest.avi"
        if not clip.is_file():
            raise unavailable("The sample footage is not here.", "Fetch it with scripts/sample-clip of the sources.")
        return str(clip)
    file = beside / footage
    if not file.is_file():
        raise invalid(f"There is no footage {file}.", "Name a file beside the test, sample or synthetic:.")
    return str(file.absolute())
