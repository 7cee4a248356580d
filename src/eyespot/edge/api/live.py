"""One viewer's live view over a WebSocket: fMP4 fragments of one frame each, with tracks beside them.

Owns the conversation described in docs/design/api.md. Media time 0 is the first key frame that this viewer gets. A
viewer that cannot keep up loses whole groups of pictures in its own bounded reader, is told how many frames it lost,
and is hung up on when it takes nothing for ``STUCK_S``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.edge.api.feeds import Feeds, TracksText
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, invalid
from eyespot.media.fmp4 import FragmentBuilder, init_segment, mime_codecs, mime_type
from eyespot.media.hub import Reader

VIEWER_BYTES = 4 << 20
STUCK_S = 20.0
_BATCH_BYTES = 256 << 10
_MAX_CODECS_CHARS = 4096


class Socket(Protocol):
    """The two things a viewer's WebSocket is used for."""

    async def send_text(self, data: str) -> None:
        """Send a text message, waiting while the peer is slow."""
        ...

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message, waiting while the peer is slow."""
        ...


def wanted_codecs(text: str) -> frozenset[str]:
    """The codecs named by a client's first message; raises ``INVALID`` when it is not ``{"type": "mse", "value"}``."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid("The first message is not JSON.", _FIRST) from error
    value = message.get("value") if isinstance(message, dict) and message.get("type") == "mse" else None
    if not isinstance(value, str) or len(value) > _MAX_CODECS_CHARS:
        raise invalid("The first message does not name codecs.", _FIRST)
    return frozenset(part.strip() for part in value.split(",") if part.strip())


_FIRST = 'Send {"type": "mse", "value": "avc1.640029,…"} first.'


class Viewer:
    """Sends one stream to one WebSocket until either ends."""

    def __init__(self, socket: Socket, reader: Reader, codecs: frozenset[str]) -> None:
        self._socket = socket
        self._reader = reader
        self._codecs = codecs
        self._sending = asyncio.Lock()
        self._builder: FragmentBuilder | None = None
        self._format: StreamFormat | None = None
        self._base_ns = 0
        self._sequence = 0
        self._told_dropped = 0

    async def send_stream(self) -> None:
        """Send pictures until the stream ends; raises ``UNAVAILABLE`` when the peer takes nothing for 20 s."""
        while not self._reader.ended:
            await self._reader.wait()
            dropped = self._reader.stats()["dropped"]
            if dropped > self._told_dropped and self._builder is not None:
                await self._say({"type": "dropped", "frames": dropped - self._told_dropped})
            self._told_dropped = dropped
            await self._send_units(self._reader.take(_BATCH_BYTES))

    async def send_tracks(self, feeds: Feeds, camera: str) -> None:
        """Send the camera's tracks as they come, with times in this viewer's media time."""
        async for tracks in feeds.tracks(camera):
            if self._builder is not None:
                await self._send(self._socket.send_text, self._placed(tracks))

    async def send_states(self, feeds: Feeds, camera: str) -> None:
        """Send the camera's state now and at every change."""
        async for state in feeds.states(camera):
            await self._say({"type": "state", "state": state})

    async def fail(self, error: EyespotError) -> None:
        """Say why the view ends."""
        await self._say({"type": "error", "kind": error.kind.name.lower(), "what": error.what, "todo": error.todo})

    def _placed(self, tracks: TracksText) -> str:
        t_s = (tracks.capture_ns - self._base_ns) / NS_PER_S
        return f'{{"type":"tracks","t_s":{t_s:.6f},"moving":{tracks.moving},"tracks":{tracks.tracks}}}'

    async def _send_units(self, units: list[Unit]) -> None:
        """Send fragments of all ``units`` in one message, or more where the format changes."""
        parts: list[bytes] = []
        for unit in units:
            if isinstance(unit, StreamFormat):
                await self._flush(parts)
                self._format, self._builder = self._playable(unit), None
            elif self._format is not None:
                if self._builder is None:
                    if unit.track != "video" or not unit.is_key:
                        continue
                    await self._flush(parts)
                    parts.append(await self._begin(self._format, unit))
                if self._builder is not None and (unit.track == "video" or self._format.audio):
                    self._sequence += 1
                    parts += self._builder.parts((unit,), self._sequence)
        await self._flush(parts)

    async def _begin(self, stream: StreamFormat, first: Packet) -> bytes:
        """Announce ``stream``, put media time 0 at its first picture, and return the init segment."""
        self._builder = FragmentBuilder(stream, first.decode_ns)
        self._base_ns = first.decode_ns
        self._sequence = 0
        await self._say(
            {
                "type": "mse",
                "value": mime_type(stream),
                "base_capture_ns": self._base_ns,
                "base_wall_ns": self._base_ns + stream.wall_offset_ns,
                "aspect": round(stream.video.width_px / stream.video.height_px, 6),
            }
        )
        return init_segment(stream)

    def _playable(self, stream: StreamFormat) -> StreamFormat:
        """``stream`` without sound that the client cannot play; raises ``INVALID`` when it cannot play the picture."""
        video = mime_codecs(replace(stream, audio=None))
        families = {codec.split(".", 1)[0] for codec in self._codecs}
        if families and video.split(".", 1)[0] not in families:
            raise invalid(
                f"This browser cannot play {stream.video.codec}.",
                "Use a browser that can, or give the camera an H.264 stream and name it as live_stream.",
            )
        if stream.audio is not None and mime_codecs(stream).rpartition(",")[2].split(".", 1)[0] not in families:
            return replace(stream, audio=None)
        return stream

    async def _flush(self, parts: list[bytes]) -> None:
        if parts:
            message = b"".join(parts)
            parts.clear()
            await self._send(self._socket.send_bytes, message)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._send(self._socket.send_text, json.dumps(message))

    async def _send(self, send: Callable[[Any], Awaitable[None]], message: str | bytes) -> None:
        try:
            async with asyncio.timeout(STUCK_S), self._sending:
                await send(message)
        except TimeoutError as error:
            raise EyespotError(Kind.UNAVAILABLE, "The viewer takes nothing.", "Open the view again.") from error
