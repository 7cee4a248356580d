"""A viewer that cannot keep up loses whole groups of pictures, is told, and harms nobody."""

import asyncio
import io
import json
from typing import Any

import av
import pytest
from api_clip import FPS, packets, stream_format

from eyespot.edge.api.feeds import TracksText
from eyespot.edge.api.live import Viewer, wanted_codecs
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.hub import Hub

CODECS = frozenset({"avc1.640029"})


class Peer:
    """A WebSocket peer that takes messages only while its gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.texts: list[dict[str, Any]] = []
        self.bytes: list[bytes] = []

    async def send_text(self, data: str) -> None:
        await self.gate.wait()
        self.texts.append(json.loads(data))

    async def send_bytes(self, data: bytes) -> None:
        await self.gate.wait()
        self.bytes.append(data)

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [text for text in self.texts if text["type"] == kind]

    def pictures(self) -> list[float]:
        with av.open(io.BytesIO(b"".join(self.bytes))) as box:
            return [frame.time or 0.0 for frame in box.decode(video=0)]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_slow_viewer_skips_and_a_quick_one_sees_everything() -> None:
    hub, quick, slow = Hub("h"), Peer(), Peer()
    readers = [hub.reader("quick", max_bytes=4 << 20), hub.reader("slow", max_bytes=8 << 10)]
    viewers = [Viewer(peer, reader, CODECS) for peer, reader in zip((quick, slow), readers, strict=True)]
    tasks = [asyncio.create_task(viewer.send_stream()) for viewer in viewers]
    hub.publish(stream_format())
    total = 20 * FPS
    for number, packet in enumerate(packets(5 * NS_PER_S, total)):
        if number == 2 * FPS:
            slow.gate.clear()
        if number == 15 * FPS:
            slow.gate.set()
        hub.publish(packet)
        await settle()
    hub.close()
    await asyncio.gather(*tasks)
    assert len(quick.pictures()) == total
    assert not quick.told("dropped")
    shown = slow.pictures()
    lost = sum(text["frames"] for text in slow.told("dropped"))
    assert lost > FPS
    assert len(shown) == total - lost, "every frame is shown or told as lost"
    assert shown[-1] == pytest.approx((total - 1) / FPS, abs=0.01), "time goes on over the gap"
    gap = max(range(1, len(shown)), key=lambda i: shown[i] - shown[i - 1])
    assert round(shown[gap] * FPS) % FPS == 0, "it goes on at a key frame"


async def test_a_viewer_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.api.live.STUCK_S", 0.05)
    hub, peer = Hub("h"), Peer()
    peer.gate.clear()
    viewer = Viewer(peer, hub.reader("v", max_bytes=64 << 10), CODECS)
    hub.publish(stream_format())
    for packet in packets(NS_PER_S, 5):
        hub.publish(packet)
    with pytest.raises(EyespotError) as given_up:
        await viewer.send_stream()
    assert given_up.value.kind is Kind.UNAVAILABLE


async def test_a_new_format_begins_a_new_timeline_at_zero() -> None:
    hub, peer = Hub("h"), Peer()
    viewer = Viewer(peer, hub.reader("v", max_bytes=4 << 20), CODECS)
    hub.publish(stream_format(7))
    for packet in packets(3 * NS_PER_S, 5):
        hub.publish(packet)
    hub.publish(stream_format(9))
    for packet in packets(8 * NS_PER_S, 5):
        hub.publish(packet)
    hub.close()
    await viewer.send_stream()
    first, second = peer.told("mse")
    assert (first["base_capture_ns"], first["base_wall_ns"]) == (3 * NS_PER_S, 3 * NS_PER_S + 7)
    assert (second["base_capture_ns"], second["base_wall_ns"]) == (8 * NS_PER_S, 8 * NS_PER_S + 9)
    assert len(peer.bytes) == 2
    for data in peer.bytes:
        with av.open(io.BytesIO(data)) as box:
            assert next(box.decode(video=0)).time == 0


async def test_tracks_wait_for_the_first_picture() -> None:
    class Said:
        async def tracks(self, _camera: str) -> Any:
            yield TracksText(4 * NS_PER_S, "true", '[{"id":1}]')
            hub.publish(stream_format())
            hub.publish(packets(3 * NS_PER_S, 1)[0])
            await settle()
            yield TracksText(4 * NS_PER_S + 1, "false", "[]")

    hub, peer = Hub("h"), Peer()
    viewer = Viewer(peer, hub.reader("v", max_bytes=4 << 20), CODECS)
    sending = asyncio.create_task(viewer.send_stream())
    await viewer.send_tracks(Said(), "front")  # type: ignore[arg-type]
    sending.cancel()
    assert peer.told("tracks") == [{"type": "tracks", "t_s": 1.0, "moving": False, "tracks": []}]


@pytest.mark.parametrize("text", ["", "{", "7", "{}", '{"type":"mse"}', '{"type":"mse","value":1}', "[" * 50_000])
def test_first_messages_are_checked(text: str) -> None:
    with pytest.raises(EyespotError):
        wanted_codecs(text)


def test_codecs_are_read() -> None:
    assert wanted_codecs('{"type":"mse","value":"avc1.640029, hvc1.1.6,"}') == {"avc1.640029", "hvc1.1.6"}
