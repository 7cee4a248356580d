"""One RTSP connection: bytes in, split into interleaved packets and messages in one loop; requests out.

Reads are large and rare on purpose: once the stream plays, the connection reads what has gathered, then rests until
the next tick of a grid that all connections of the process share. A thousand small packets a second then cost a few
dozen wake-ups for all cameras together. Backpressure is the rest that does not end: while the reader of units lags, the
kernel's buffer fills and the camera waits.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import cast

from eyespot.hal.sensors.rtsp import messages
from eyespot.hal.sensors.rtsp.read_grid import ReadGrid, read_grid
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, corrupt, unavailable

BUFFER_BYTES = 256 << 10
MAX_GARBAGE_BYTES = 1 << 20
MAX_PENDING_REQUESTS = 8
MAX_READS_A_TICK = 32
_DOLLAR = 0x24
_STARTS = (b"RTSP/", b"OPTIONS ", b"GET_PARAMETER ", b"SET_PARAMETER ", b"ANNOUNCE ", b"REDIRECT ", b"TEARDOWN ")
_ANSWERED = ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")

Sink = Callable[[memoryview, int, int, int], int]
"""Takes the interleaved packet ``view[start:stop]`` and, if it likes, packets behind it up to ``end``; returns where it
stopped. The view's content changes after the call."""


class Connection(asyncio.BufferedProtocol):
    """Protocol side of one RTSP connection.

    Args:
        clock: gives arrival times.
        read_every_s: the grid of reads once ``start_streaming`` was called; 0 reads whenever bytes arrive.
        on_read: called after every read, when all sinks have run.
        is_full: whether reading has to wait for the reader of units.
    """

    def __init__(
        self, clock: Clock, read_every_s: float, on_read: Callable[[], None], is_full: Callable[[], bool]
    ) -> None:
        self.sinks: dict[int, Sink] = {}
        self.arrival_ns = 0
        self.garbage_bytes = 0
        self.error: EyespotError | None = None
        self._clock = clock
        self._read_every_s = read_every_s
        self._on_read = on_read
        self._is_full = is_full
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._garbage_run_bytes = 0
        self._grid: ReadGrid | None = None
        self._tick = self._read
        self._socket: socket.socket | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[messages.Response]] = {}
        self._sequence = 0

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        drained = nbytes < BUFFER_BYTES - self._filled
        self._take(nbytes)
        if (
            self._grid is not None
            and (drained or self._is_full())
            and self.error is None
            and self._transport is not None
        ):
            self._transport.pause_reading()

    def _take(self, count: int) -> None:
        """Work on ``count`` bytes that were written behind the filled part of the buffer."""
        self._filled += count
        self.arrival_ns = self._clock.monotonic_ns()
        try:
            self._split()
        except EyespotError as error:
            self._filled = 0
            self.fail(error)
        self._on_read()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(unavailable("The camera closed the connection."))

    # -- the client's side

    def start_streaming(self) -> None:
        """From now on read by the grid.

        Without TLS the socket is read directly at each tick: an event loop wakes once more for every paused socket
        on which bytes arrive. With TLS the transport has to do it, and is paused between ticks.
        """
        if self._transport is None or self.error is not None:
            return
        if self._read_every_s <= 0:
            return
        self._grid = read_grid(self._read_every_s)
        self._grid.join(self._tick)
        self._transport.pause_reading()
        if self._transport.get_extra_info("ssl_object") is None:
            descriptor = self._transport.get_extra_info("socket").fileno()
            self._socket = socket.socket(fileno=os.dup(descriptor))
            self._socket.setblocking(False)

    def fail(self, error: EyespotError) -> None:
        """End the connection; the first error stands, and waiting requests get it."""
        if self.error is None:
            self.error = error
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self.error)
        self._answers.clear()
        self.close()
        self._on_read()

    def close(self) -> None:
        """Let the socket go at once."""
        if self._grid is not None:
            self._grid.leave(self._tick)
            self._grid = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._transport is not None:
            self._transport.abort()

    def peer_certificate(self) -> bytes:
        """The peer's TLS certificate (DER), empty without TLS."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport else None
        return (tls.getpeercert(binary_form=True) or b"") if tls is not None else b""

    def send_interleaved(self, channel: int, data: bytes) -> None:
        """Send an RTCP packet; dropped when the peer does not read."""
        if self._transport is not None and self.error is None and self._transport.get_write_buffer_size() < 4096:
            self._transport.write(bytes((_DOLLAR, channel)) + len(data).to_bytes(2, "big") + data)

    async def request(self, method: str, url: str, headers: dict[str, str], timeout_s: float) -> messages.Response:
        """Send a request, wait for its response; raises ``UNAVAILABLE`` when the connection ends or time runs out."""
        if self.error is not None or self._transport is None:
            raise self.error or unavailable("The connection is not open.")
        if len(self._answers) >= MAX_PENDING_REQUESTS:
            raise unavailable(f"The camera has not answered {MAX_PENDING_REQUESTS} requests.")
        self._sequence += 1
        number = self._sequence
        answer: asyncio.Future[messages.Response] = self._loop.create_future()
        self._answers[number] = answer
        self._transport.write(messages.write_request(method, url, {"CSeq": str(number), **headers}))
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError as error:
            raise unavailable(f"The camera did not answer {method} within {timeout_s:g} s.") from error
        finally:
            self._answers.pop(number, None)

    # -- reading by the grid

    def _read(self) -> None:
        """A tick: read what has gathered, unless the reader of units lags."""
        transport = self._transport
        if transport is None or self.error is not None or self._is_full():
            return
        if self._socket is None:
            transport.resume_reading()
            return
        try:
            for _ in range(MAX_READS_A_TICK):
                room = BUFFER_BYTES - self._filled
                count = self._socket.recv_into(self._view[self._filled :])
                if count == 0:
                    self.connection_lost(None)
                    return
                self._take(count)
                if count < room or self.error is not None:
                    return
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.connection_lost(error)

    # -- splitting

    def _split(self) -> None:
        """Hand out every whole packet and message in the buffer; keep the rest at its front."""
        buffer, view, sinks = self._buffer, self._view, self.sinks
        at, end = 0, self._filled
        while end - at >= 4:
            if buffer[at] == _DOLLAR:
                sink = sinks.get(buffer[at + 1])
                if sink is None:
                    at = self._unknown_channel(at, end)
                    if at < 0:
                        at = -at - 1
                        break
                    continue
                stop = at + 4 + (buffer[at + 2] << 8 | buffer[at + 3])
                if stop > end:
                    break
                at = sink(view, at + 4, stop, end)
                self._garbage_run_bytes = 0
            else:
                following = self._take_text(at, end)
                if following == at:
                    break
                at = following
        if at:
            self._buffer[: end - at] = self._buffer[at:end]
            self._filled = end - at

    def _unknown_channel(self, at: int, end: int) -> int:
        """Where to go on after an interleaved packet of a channel nobody asked for.

        Whole packets that are followed by something sensible are passed over; others are garbage. Negative: more
        bytes are needed, go on at ``-result - 1``.
        """
        stop = at + 4 + (self._buffer[at + 2] << 8 | self._buffer[at + 3])
        plausible = self._buffer[at + 1] < 32 and stop - at > 8
        if plausible and stop >= end and end - at < BUFFER_BYTES // 2:
            return -at - 1 if stop > end else stop
        if plausible and stop < end and self._buffer[stop] in (_DOLLAR, 0x52):
            return stop
        return self._skip_garbage(at, end)

    def _take_text(self, at: int, end: int) -> int:
        """Take a message that begins at ``at``; returns where it ends, ``at`` itself when more bytes are needed."""
        buffer = self._buffer
        if buffer[at] in (0x0D, 0x0A):
            return at + 1
        beginning = bytes(buffer[at : min(at + 16, end)])
        if not any(beginning.startswith(start[: len(beginning)]) for start in _STARTS):
            return self._skip_garbage(at, end)
        stop = buffer.find(b"\r\n\r\n", at, min(end, at + messages.MAX_HEAD_BYTES))
        if stop < 0:
            if end - at >= messages.MAX_HEAD_BYTES:
                raise corrupt(f"The camera sent a message whose head exceeds {messages.MAX_HEAD_BYTES} bytes.")
            return at
        head = messages.read_head(bytes(buffer[at:stop]))
        body_at = stop + 4
        if body_at + head.body_bytes > end:
            return at
        self._take_message(head, bytes(buffer[body_at : body_at + head.body_bytes]))
        return body_at + head.body_bytes

    def _skip_garbage(self, at: int, end: int) -> int:
        """Find the next place where a packet or a message may begin."""
        buffer = self._buffer
        following = at + 1
        while following < end:
            places = [
                place
                for place in (buffer.find(b"$", following, end), buffer.find(b"RTSP/", following, end))
                if place >= 0
            ]
            following = min(places, default=end)
            if following + 5 > end or buffer[following] != _DOLLAR:
                break
            if buffer[following + 1] in self.sinks and buffer[following + 4] >> 6 == 2:
                break
            following += 1
        self.garbage_bytes += following - at
        self._garbage_run_bytes += following - at
        if self._garbage_run_bytes > MAX_GARBAGE_BYTES:
            raise unavailable(
                "The camera sends bytes that are not RTSP.", "Check the address and the camera's firmware."
            )
        return following

    def _take_message(self, head: messages.Head, body: bytes) -> None:
        method, _, _ = head.start_line.partition(" ")
        number = head.headers.get("cseq", ("",))[0]
        if not method.startswith("RTSP/"):
            self._answer_peer(method, number)
            return
        response = messages.read_response(head, body)
        key = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1
        answer = self._answers.pop(key, None)
        if answer is not None and not answer.done():
            answer.set_result(response)

    def _answer_peer(self, method: str, number: str) -> None:
        """Answer a request of the camera's: keep-alives are agreed to, the end of the session is believed."""
        if method in ("TEARDOWN", "REDIRECT"):
            raise unavailable("The camera ended the session.")
        line = "200 OK" if method in _ANSWERED else "501 Not Implemented"
        if self._transport is not None and len(number) < 10 and number.isalnum():
            self._transport.write(f"RTSP/1.0 {line}\r\nCSeq: {number}\r\n\r\n".encode())
