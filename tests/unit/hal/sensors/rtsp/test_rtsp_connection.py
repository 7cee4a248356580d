"""Splitting bytes into packets and messages, however they are cut; hostile bytes."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.hal.sensors.rtsp.connection import BUFFER_BYTES, Connection
from eyespot.hal.sensors.rtsp.read_grid import read_grid
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind


class Peer:
    """A connection without a socket, fed by hand."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.connection = Connection(SystemClock(), 0, lambda: None, lambda: False)
        self.connection.sinks[0] = self._sink

    def _sink(self, view: memoryview, start: int, stop: int, end: int) -> int:
        self.packets.append(bytes(view[start:stop]))
        return stop

    def feed(self, data: bytes, piece_bytes: int = 1 << 16) -> None:
        for at in range(0, len(data), piece_bytes):
            piece = data[at : at + piece_bytes]
            self.connection.get_buffer(-1)[: len(piece)] = piece
            self.connection.buffer_updated(len(piece))


def interleaved(payload: bytes, channel: int = 0) -> bytes:
    return b"$" + bytes((channel,)) + len(payload).to_bytes(2, "big") + payload


PACKETS = [bytes((0x80, 96)) + bytes([index]) * size for index, size in enumerate((14, 1400, 20, 65_000, 100))]


@given(st.integers(1, 3000))
@settings(max_examples=25, deadline=None)
def test_packets_come_whole_however_they_are_cut(piece_bytes: int) -> None:
    async def run() -> None:
        peer = Peer()
        answer = asyncio.get_running_loop().create_future()
        peer.connection._answers[7] = answer
        data = b"".join(interleaved(packet) for packet in PACKETS[:3])
        data += b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Length: 4\r\n\r\n$\x00\xff\xff"
        data += interleaved(b"\x80" * 30, channel=9) + b"".join(interleaved(packet) for packet in PACKETS[3:])
        peer.feed(data, piece_bytes)
        assert peer.packets == PACKETS
        assert answer.result().body == b"$\x00\xff\xff"
        assert peer.connection.garbage_bytes == 0

    asyncio.run(run())


@given(
    st.lists(st.binary(max_size=300) | st.sampled_from([b"RTSP/", b"$\x00", b"\r\n\r\n", b"TEARDOWN "]), max_size=30)
)
@settings(max_examples=100, deadline=None)
def test_hostile_bytes_end_in_an_error_or_are_passed_over(pieces: list[bytes]) -> None:
    async def run() -> None:
        peer = Peer()
        peer.feed(b"".join(pieces), 97)
        error = peer.connection.error
        if error is None:
            peer.feed(interleaved(PACKETS[0]) * 6000)
            error = peer.connection.error
            assert error is not None or peer.packets.count(PACKETS[0]) > 100
        assert error is None or error.kind in (Kind.CORRUPT, Kind.UNAVAILABLE)
        assert len(peer.connection.get_buffer(-1)) > BUFFER_BYTES - 70_000 - (32 << 10)

    asyncio.run(run())


async def test_a_head_without_end_is_corrupt() -> None:
    peer = Peer()
    peer.feed(b"RTSP/1.0 200 OK\r\n" + b"X-Filler: y\r\n" * 3000)
    assert peer.connection.error is not None
    assert peer.connection.error.kind is Kind.CORRUPT


async def test_requests_fail_once_the_connection_has() -> None:
    peer = Peer()
    peer.connection.fail(EyespotError(Kind.UNAVAILABLE, "gone."))
    with pytest.raises(EyespotError, match="gone"):
        await peer.connection.request("OPTIONS", "*", {}, 1.0)


async def test_one_failing_member_does_not_stop_the_grid() -> None:
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    grid = read_grid(0.005)
    calls: list[str] = []
    done = asyncio.Event()

    def failing() -> None:
        calls.append("failing")
        raise ValueError("a mistake")

    def reading() -> None:
        calls.append("reading")
        if calls.count("reading") == 3:
            grid.leave(reading)
            done.set()

    grid.join(failing)
    grid.join(reading)
    assert read_grid(0.005) is grid
    await done.wait()
    assert calls == ["failing", "reading", "reading", "reading"]
    assert isinstance(reported[0]["exception"], ValueError)
