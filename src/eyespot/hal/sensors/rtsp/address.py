"""RTSP addresses: taken apart once, so that credentials never travel with the address."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from eyespot.kernel.errors import invalid

MAX_ADDRESS_CHARACTERS = 2048
_PORTS = {"rtsp": 554, "rtsps": 322}


@dataclass(frozen=True, slots=True)
class RtspAddress:
    """Where a stream is. ``url`` is without credentials; ``username`` and ``password`` are never shown.

    ``public`` is the address for log lines: without credentials, without its query, and without a path that looks as if
    it carried some, because some cameras want passwords there and some people forget to escape theirs.
    """

    url: str
    public: str
    host: str
    port: int
    tls: bool
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def parse(source: str) -> RtspAddress:
    """Take ``rtsp[s]://[user[:password]@]host[:port][/path]`` apart; raises ``INVALID`` that names no credentials."""
    todo = "Write it as rtsp://user:password@host:554/path, with special characters as %XX."
    if len(source) > MAX_ADDRESS_CHARACTERS or any(
        ord(character) <= 32 or ord(character) == 127 for character in source
    ):
        raise invalid("The RTSP address is too long or has blanks or control characters in it.", todo)
    try:
        parts = urlsplit(source)
        port = parts.port
        host = parts.hostname
    except ValueError:  # its text repeats the address, so it is not chained
        raise invalid("The RTSP address has a host or port that does not parse.", todo) from None
    if parts.scheme not in _PORTS or not host:
        raise invalid("The RTSP address lacks rtsp:// or a host name.", todo)
    place = f"[{host}]" if ":" in host else host
    if port is not None:
        place += f":{port}"
    shown = "/…" if any(mark in parts.path for mark in "@=:%") else parts.path
    return RtspAddress(
        url=f"{parts.scheme}://{place}{parts.path}" + (f"?{parts.query}" if parts.query else ""),
        public=f"{parts.scheme}://{place}{shown}",
        host=host,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "rtsps",
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
