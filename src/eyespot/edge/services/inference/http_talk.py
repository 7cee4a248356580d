"""One connection of HTTP/1.1 over asyncio streams, by h11: requests in, answers out, bounded in bytes and time.

Source: RFC 9112; h11.readthedocs.io.
"""

import asyncio

import h11

from eyespot.edge.infer_rest_wire import HEAD_LENGTH
from eyespot.edge.services.inference.answers import Answer
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

MAX_HEADERS_BYTES = 8192
IDLE_S, READ_S, WRITE_S = 60.0, 10.0, 10.0
"""Patience with the next request, with a body that comes, with an answer that is read."""
MAX_DISCARDED_BYTES = 1 << 21
"""Of a refused request's body so much is read, so that its sender gets to read the answer."""
_READ_BYTES = 1 << 16


class HttpTalk:
    """From ``request`` to ``answer``, and again; any error of either ends the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADERS_BYTES)

    async def request(self) -> h11.Request | None:
        """The next one; None when there will be none. Raises ``INVALID`` for what is no HTTP."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        try:
            async with asyncio.timeout(IDLE_S):
                found = await self._event()
        except TimeoutError:
            return None
        return found if isinstance(found, h11.Request) else None

    async def body(self, most_bytes: int) -> bytes:
        """The request's body; raises ``TOO_LARGE``, ``INVALID``, and ``UNAVAILABLE`` when it does not come in time."""
        if self._http.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))
        data = bytearray()
        try:
            async with asyncio.timeout(READ_S):
                while not isinstance(event := await self._event(), h11.EndOfMessage):
                    if not isinstance(event, h11.Data):
                        raise invalid("The request ended within its body.")
                    if len(data) + len(event.data) > most_bytes:
                        raise EyespotError(Kind.TOO_LARGE, f"The request has more than {most_bytes} bytes.")
                    data += event.data
        except TimeoutError as error:
            raise unavailable(f"The request did not come within {READ_S:.0f} s.") from error
        return bytes(data)

    async def answer(self, answer: Answer) -> None:
        """Send it; what is left of the request's body is read and dropped, not endlessly."""
        await self._discard()
        headers = [("content-type", "application/json" if answer.head_bytes is None else "application/octet-stream")]
        headers.append(("content-length", str(len(answer.body))))
        if answer.head_bytes is not None:
            headers.append((HEAD_LENGTH, str(answer.head_bytes)))
        if self._http.their_state is not h11.DONE:
            headers.append(("connection", "close"))
        self._send(h11.Response(status_code=answer.status, headers=headers))
        self._send(h11.Data(data=answer.body))
        self._send(h11.EndOfMessage())
        async with asyncio.timeout(WRITE_S):
            await self._writer.drain()

    async def _discard(self) -> None:
        left = MAX_DISCARDED_BYTES
        try:
            async with asyncio.timeout(READ_S):
                while left > 0 and self._http.their_state is h11.SEND_BODY:
                    if self._http.they_are_waiting_for_100_continue:
                        return
                    event = await self._event()
                    left -= len(event.data) if isinstance(event, h11.Data) else 0
        except (TimeoutError, EyespotError):
            return

    async def _event(self) -> "h11.Event | type[h11.PAUSED]":
        """The next event; raises ``INVALID``."""
        try:
            while True:
                event = self._http.next_event()
                if event is not h11.NEED_DATA:
                    return event  # type: ignore[return-value]  # h11's sentinels narrow by ==, not by is
                self._http.receive_data(await self._reader.read(_READ_BYTES))
        except h11.RemoteProtocolError as error:
            raise invalid(f"It is no HTTP: {str(error)[:100]}.") from error

    def _send(self, event: "h11.Event") -> None:
        if data := self._http.send(event):
            self._writer.write(data)
