"""Live view over real WebSockets: pictures decode, tracks are placed in media time, hostile peers harm nobody."""

import asyncio
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import av
import pytest
from api_stand import Stand
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

HELLO = json.dumps({"type": "mse", "value": "avc1.640029,mp4a.40.2"})


async def collect(socket: ClientConnection, fragments: int, *, tracks: int = 0) -> tuple[bytes, list[dict[str, Any]]]:
    """Everything received until there are so many binary messages and tracks messages."""
    data, texts = [], []
    async with asyncio.timeout(20):
        while len(data) < fragments or sum(text["type"] == "tracks" for text in texts) < tracks:
            message = await socket.recv()
            if isinstance(message, bytes):
                data.append(message)
            else:
                texts.append(json.loads(message))
    return b"".join(data), texts


async def close_code(socket: ClientConnection) -> int | None:
    """Read until the server closes, and say with which code."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    return socket.close_code


def decoded(data: bytes) -> list[tuple[float, int]]:
    """Time in seconds and brightest value of every picture in an fMP4."""
    with av.open(io.BytesIO(data)) as box:
        return [(frame.time or 0.0, int(frame.to_ndarray(format="gray").max())) for frame in box.decode(video=0)]


async def test_pictures_and_tracks_arrive_on_one_timeline(playing: Stand) -> None:
    async with playing.client() as client, playing.socket("/cameras/front/live", client) as socket:
        await socket.send(HELLO)
        data, texts = await collect(socket, 12, tracks=5)
    start = next(text for text in texts if text["type"] == "mse")
    assert start["value"].startswith('video/mp4; codecs="avc1.')
    assert start["aspect"] == pytest.approx(160 / 120)
    assert abs(start["base_wall_ns"] - playing.clock.wall_ns()) < 60e9
    pictures = decoded(data)
    assert len(pictures) >= 12
    assert all(brightest > 200 for _, brightest in pictures)
    assert pictures[0][0] == 0
    shown = [time for time, _ in pictures]
    for text in (text for text in texts if text["type"] == "tracks"):
        assert text["tracks"][0]["label"] == "person"
        nearest = min(abs(text["t_s"] - time) for time in shown)
        assert nearest < 0.001 or text["t_s"] > shown[-1], "tracks belong to a picture"
    assert {"type": "state", "state": "live"} in texts


async def test_one_subscription_serves_all_viewers_and_ends_with_the_last(playing: Stand) -> None:
    async with playing.client() as client:
        sockets = [playing.socket("/cameras/front/live", client) for _ in range(3)]
        opened = [await socket.__aenter__() for socket in sockets]
        for socket in opened:
            await socket.send(HELLO)
        await asyncio.gather(*(collect(socket, 3) for socket in opened))
        assert len(playing.hubs[("front", "main")].status()["readers"]) == 1
        for socket in sockets:
            await socket.__aexit__(None, None, None)
        await playing.until(lambda: not playing.hubs[("front", "main")].status()["readers"])
        assert playing.api.deps.sockets.open == 0


async def test_live_view_goes_on_after_the_media_process_restarts(playing: Stand) -> None:
    async with playing.client() as client, playing.socket("/cameras/front/live", client) as socket:
        await socket.send(HELLO)
        await collect(socket, 3)
        shared = playing.api.deps.live._shared[("front", "main")]
        for reader in list(playing.hubs[("front", "main")]._readers):
            reader.close()
        _, texts = await collect(socket, 12)
        assert any(text["type"] == "mse" for text in texts), "a new format begins a new timeline"
        assert shared.users == 1


@pytest.mark.parametrize(
    "first",
    ["", "not json", "[]", '{"type": "mse"}', '{"type": "mse", "value": 7}', "[" * 20_000, b"\x00\x01"],
    ids=["empty", "text", "list", "no value", "number", "deep", "binary"],
)
async def test_a_bad_first_message_is_answered_and_ends_the_view(playing: Stand, first: str | bytes) -> None:
    async with playing.client() as client, playing.socket("/cameras/front/live", client) as socket:
        await socket.send(first)
        answer = json.loads(await socket.recv())
        assert answer["type"] == "error"
        assert answer["kind"] == "invalid"
        assert answer["todo"]
        assert await close_code(socket) == 1008


async def test_a_browser_without_the_codec_is_told(playing: Stand) -> None:
    async with playing.client() as client, playing.socket("/cameras/front/live", client) as socket:
        await socket.send(json.dumps({"type": "mse", "value": "hvc1.1.6.L120"}))
        while (answer := json.loads(await socket.recv()))["type"] != "error":
            pass
        assert "h264" in answer["what"]


async def test_a_message_larger_than_64_kib_closes_the_view(playing: Stand) -> None:
    async with playing.client() as client, playing.socket("/cameras/front/live", client) as socket:
        await socket.send("x" * 100_000)
        assert await close_code(socket) == 1009


async def test_a_viewer_who_talks_without_end_is_cut(playing: Stand) -> None:
    async with playing.client() as client, playing.socket("/cameras/front/live", client) as socket:
        await socket.send(HELLO)
        with contextlib.suppress(ConnectionClosed):
            for _ in range(1000):
                await socket.send("chatter")
        assert await close_code(socket) == 1008


async def test_sockets_need_an_account_and_the_own_origin(playing: Stand) -> None:
    async with playing.client() as client:
        for path in ("/cameras/front/live", "/events/live"):
            with pytest.raises(InvalidStatus) as refused:
                async with playing.socket(path, client, additional_headers={}):
                    pass
            assert refused.value.response.status_code == 401
            for origin in (None, "https://elsewhere.example", "null", "http://[", "http://127.0.0.1:1"):
                with pytest.raises(InvalidStatus) as refused:
                    async with playing.socket(path, client, origin=origin):
                        pass
                assert refused.value.response.status_code == 403


async def test_a_bearer_token_opens_a_socket_without_origin(playing: Stand) -> None:
    async with playing.client() as client:
        token = (await client.post("/tokens", json={"name": "wall"})).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with playing.socket("/cameras/front/live", client, origin=None, additional_headers=headers) as socket:
            await socket.send(HELLO)
            data, _ = await collect(socket, 5)
    assert len(decoded(data)) >= 5


async def test_unknown_and_disabled_cameras_are_told(playing: Stand) -> None:
    async with playing.client() as client:
        for path, kind in (("nowhere", "not_found"), ("attic", "unavailable"), ("front/live?stream=x", "not_found")):
            whole = path if "?" in path else f"{path}/live"
            async with playing.socket(f"/cameras/{whole}", client) as socket:
                assert json.loads(await socket.recv())["kind"] == kind


async def test_signing_out_ends_open_views(playing: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.api.conversation.CHECK_S", 0.05)
    async with playing.client() as client, playing.socket("/cameras/front/live", client) as socket:
        await socket.send(HELLO)
        await collect(socket, 2)
        assert (await client.delete("/session")).status_code == 204
        assert await close_code(socket) == 1008


async def test_two_hundred_connections_of_one_account_do_not_starve_the_others(playing: Stand) -> None:
    async with playing.client() as client:
        made = await client.post("/users", json={"name": "guest", "password": "another long phrase"})
        assert made.status_code == 201, made.text
        async with playing.client(sign_in=False) as guest:
            answer = await guest.post("/session", json={"username": "guest", "password": "another long phrase"})
            assert answer.status_code == 200
            crowd = [playing.socket("/cameras/front/live", guest, max_queue=1) for _ in range(200)]
            opened = await asyncio.gather(*(one.__aenter__() for one in crowd))
            for one in opened:
                if one.close_code is None:
                    await one.send(HELLO)  # and never read
            async with playing.socket("/cameras/front/live", client) as socket:
                await socket.send(HELLO)
                data, _ = await collect(socket, 10)
                assert len(decoded(data)) >= 10
            assert playing.api.deps.sockets.open <= 65
            assert playing.api.deps.sockets.refused >= 136
            for one in opened:
                one.transport.abort()
        await playing.until(lambda: not playing.api.deps.sockets.open)


async def test_stopping_hangs_up_on_viewers_and_ends(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    async with stand.running(), stand.client() as client, stand.socket("/cameras/front/live", client) as socket:
        await socket.send(HELLO)
        await collect(socket, 2)
        stand.stop.set()
        assert await close_code(socket) in (1000, 1001, 1012)
        await stand.until(lambda: not (stand.state / "run" / "api-url").exists())
        assert stand.api.deps.sockets.open == 0
        assert not stand.api.deps.live.status()
