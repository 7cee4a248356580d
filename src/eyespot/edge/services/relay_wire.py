"""The NATS client protocol cut into frames, in either direction. Pure; nothing is believed, everything is bounded.

Source: NATS client protocol, docs.nats.io/reference/reference-protocols/nats-protocol.
"""

import json
from dataclasses import dataclass
from typing import Any

from eyespot.kernel.errors import corrupt

MAX_LINE_BYTES = 4096
"""Longest line of a service; the server itself takes 1024."""
MAX_SERVER_LINE_BYTES = 65_536
_WITH_PAYLOAD = {b"PUB", b"HPUB", b"MSG", b"HMSG"}
FROM_SERVICE = frozenset({b"CONNECT", b"PUB", b"HPUB", b"SUB", b"UNSUB", b"PING", b"PONG"})
FROM_SERVER = frozenset({b"INFO", b"MSG", b"HMSG", b"PING", b"PONG", b"+OK", b"-ERR"})


@dataclass(frozen=True, slots=True)
class Frame:
    """One operation: its verb in capitals, the words after it, and all its bytes."""

    verb: bytes
    words: tuple[bytes, ...]
    raw: bytes


class Wire:
    """Takes bytes as they come, gives whole frames. ``feed`` raises ``CORRUPT``; nothing can be read after that."""

    def __init__(self, verbs: frozenset[bytes], *, max_line_bytes: int, max_payload_bytes: int) -> None:
        self._verbs = verbs
        self._max_line_bytes = max_line_bytes
        self._max_payload_bytes = max_payload_bytes
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now."""
        self._rest += data
        found: list[Frame] = []
        at = 0
        while (end := self._rest.find(b"\n", at)) >= 0:
            frame_end, frame = self._frame(at, end)
            if frame is None:
                break
            found.append(frame)
            at = frame_end
        self._rest = self._rest[at:]
        if len(self._rest) > self._max_line_bytes and b"\n" not in self._rest[: self._max_line_bytes]:
            raise corrupt(f"A line is longer than {self._max_line_bytes} bytes.")
        return found

    def _frame(self, at: int, end: int) -> tuple[int, Frame | None]:
        line = self._rest[at:end].rstrip(b"\r")
        if len(line) > self._max_line_bytes:
            raise corrupt(f"A line is longer than {self._max_line_bytes} bytes.")
        verb, _, rest = line.strip().partition(b" ")
        verb = verb.upper()
        if verb not in self._verbs:
            raise corrupt("There is no such operation.")
        if verb in (b"CONNECT", b"INFO", b"-ERR"):
            return end + 1, Frame(verb, (rest.strip(),), self._rest[at : end + 1])
        words = tuple(rest.split())
        if verb not in _WITH_PAYLOAD:
            return end + 1, Frame(verb, words, self._rest[at : end + 1])
        whole = end + 1 + self._size(words) + 2
        if len(self._rest) < whole:
            return at, None
        if self._rest[whole - 2 : whole] != b"\r\n":
            raise corrupt("A payload is not as long as it says.")
        return whole, Frame(verb, words, self._rest[at:whole])

    def _size(self, words: tuple[bytes, ...]) -> int:
        if len(words) < 2 or not words[-1].isdigit() or len(words[-1]) > 9:
            raise corrupt("A message does not say how long it is.")
        size = int(words[-1])
        if size > self._max_payload_bytes:
            raise corrupt(f"A message has {size} bytes, at most {self._max_payload_bytes} are taken.")
        return size


def document(frame: Frame) -> dict[str, Any]:
    """The JSON object of a CONNECT or INFO; raises ``CORRUPT``."""
    try:
        found = json.loads(frame.words[0])
    except (ValueError, RecursionError) as error:
        raise corrupt(f"{frame.verb.decode()} is not followed by JSON.") from error
    if not isinstance(found, dict):
        raise corrupt(f"{frame.verb.decode()} is not followed by a JSON object.")
    return found


def written(verb: str, content: dict[str, Any]) -> bytes:
    """A CONNECT or INFO."""
    return f"{verb} {json.dumps(content)}\r\n".encode()
