"""The machine's time zone in words that need no data base: what services are told, so that their days are its days.

Source: RFC 8536 (TZif): a file of version 2 or later ends with a line that is a POSIX ``TZ`` value for all
times to come.
"""

import re
from pathlib import Path

LOCALTIME = Path("/etc/localtime")
MAX_BYTES = 1 << 16
_POSIX_TZ = re.compile(rb"\n([A-Za-z0-9<>+\-,./:]{3,80})\n\Z")


def posix_time_zone(path: Path = LOCALTIME) -> str:
    """For example ``CET-1CEST,M3.5.0,M10.5.0/3``; ``UTC0`` where ``path`` says nothing."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        return "UTC0"
    found = _POSIX_TZ.search(data) if data.startswith(b"TZif") else None
    return found[1].decode("ascii") if found else "UTC0"
