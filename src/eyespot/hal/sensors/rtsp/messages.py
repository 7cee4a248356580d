"""RTSP messages as bytes (RFC 2326, sections 6 and 7): requests written, responses read, both bounded."""

from collections.abc import Mapping
from dataclasses import dataclass

from eyespot.kernel.errors import corrupt

MAX_HEAD_BYTES = 16 << 10
MAX_BODY_BYTES = 64 << 10
_MAX_HEADERS = 100


@dataclass(frozen=True, slots=True)
class Response:
    """An RTSP response. ``headers`` holds lower-case names, each with all its values in order."""

    status: int
    reason: str
    headers: Mapping[str, tuple[str, ...]]
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first value of a header, empty when there is none."""
        return self.headers.get(name, ("",))[0]


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and headers, not yet known to be a response. ``body_bytes`` follow it."""

    start_line: str
    headers: Mapping[str, tuple[str, ...]]
    body_bytes: int


def write_request(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    """A request without a body."""
    lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8")


def read_head(text: bytes) -> Head:
    """Parse a start line and headers (without the empty line); raises ``CORRUPT`` when they break their rules."""
    lines = text.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if len(lines) > _MAX_HEADERS:
        raise corrupt(f"An RTSP message has more than {_MAX_HEADERS} lines.")
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            headers[key] = (*headers.get(key, ()), value.strip())
    length = headers.get("content-length", ("0",))[0]
    if not (length.isascii() and length.isdigit() and len(length) < 9 and int(length) <= MAX_BODY_BYTES):
        raise corrupt(f"An RTSP message has a body that is larger than {MAX_BODY_BYTES} bytes or of unreadable length.")
    return Head(lines[0], headers, int(length))


def read_response(head: Head, body: bytes) -> Response:
    """``head`` as a response; raises ``CORRUPT`` when its first line is not a status line."""
    version, _, rest = head.start_line.partition(" ")
    code, _, reason = rest.strip().partition(" ")
    if not version.startswith("RTSP/") or len(code) != 3 or not (code.isascii() and code.isdigit()):
        raise corrupt("An RTSP response starts with something else than a status line.")
    return Response(int(code), printable(reason), head.headers, body)


def printable(text: str) -> str:
    """A peer's words, fit for a log line: at most 80 printable characters."""
    return "".join(character if character.isprintable() else "?" for character in text[:80])
