"""HTTP CONNECT on the proxy's socket: one request is read, one answer is written, then bytes alone.

Source: RFC 9110 section 9.3.6. The parsing is h11's.
"""

import asyncio
import json

import h11

from eyespot.kernel.errors import EyespotError, Kind, corrupt, invalid

MAX_HEAD_BYTES = 8192
_READ_BYTES = 4096


class ConnectWire:
    """One connection's HTTP. ``read_target``, then either ``accept`` or ``refuse``."""

    def __init__(self) -> None:
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)

    async def read_target(self, reader: asyncio.StreamReader) -> str:
        """What CONNECT names. Raises ``INVALID``, ``CORRUPT`` for what is no HTTP, ``ConnectionError`` at the end."""
        try:
            while True:
                event = self._wire.next_event()
                if event is h11.NEED_DATA:
                    data = await reader.read(_READ_BYTES)
                    if not data:
                        raise ConnectionResetError("the connection ended before it asked for something")
                    self._wire.receive_data(data)
                elif isinstance(event, h11.Request):
                    return _target(event)
                else:
                    raise corrupt("No request came.", "Send CONNECT host:port.")
        except h11.RemoteProtocolError as error:
            raise corrupt(f"The request does not parse: {error}.", "Send CONNECT host:port.") from error

    def accept(self) -> tuple[bytes, bytes]:
        """The answer to write, and what the client has sent beyond its request already."""
        while self._wire.next_event() is not h11.PAUSED:
            pass
        answer = self._wire.send(h11.Response(status_code=200, headers=[], reason=b"Connected"))
        return answer or b"", self._wire.trailing_data[0]

    def refuse(self, error: EyespotError) -> bytes:
        """The answer that says why not; JSON in the form of the platform's other refusals."""
        body = json.dumps({"error": {"kind": error.kind.name, "what": error.what, "todo": error.todo}}).encode()
        headers = [
            ("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close"),
        ]  # fmt: skip
        status = 400 if error.kind is Kind.CORRUPT else error.kind.value.http_status
        response = h11.Response(status_code=status, headers=headers, reason=error.kind.name.encode())
        parts = (response, h11.Data(data=body), h11.EndOfMessage())
        return b"".join(self._wire.send(part) or b"" for part in parts)


def _target(request: h11.Request) -> str:
    if request.method != b"CONNECT":
        method = request.method.decode("ascii", "replace")[:20]
        raise invalid(f"{method} is not understood here.", "Send CONNECT host:port, also for plain HTTP.")
    if {name for name, _ in request.headers} & {b"content-length", b"transfer-encoding"}:
        raise invalid("CONNECT came with a body.", "Send what follows after the answer.")
    return request.target.decode("ascii", "replace")
