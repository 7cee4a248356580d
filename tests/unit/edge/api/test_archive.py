"""Footage over HTTP: timeline, thumbnails, playback, export, events with pictures and clips."""

import asyncio
import io
from pathlib import Path

import av
import httpx
import pytest
from api_clip import FPS, packets, stream_format
from api_stand import Stand

from eyespot.contracts.event import Event
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.hub import Hub
from eyespot.record.settings import RecordSettings, RootSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import SegmentWriter

SECONDS = 8


async def record(stand: Stand, camera: str = "front") -> int:
    """Write eight seconds of footage that ended a minute ago; returns the wall time of its first picture."""
    hub, clock = Hub("made"), stand.clock
    root = RootSettings(path=stand.state / "archive", min_free_bytes=0)
    storage = Storage(stand.api.deps.footage.index, (root,), clock)
    reader = hub.reader("recorder", max_bytes=8 << 20, lossless=True)
    writer = SegmentWriter(camera, "main", reader, RecordSettings(sync="never"), storage, clock, poll_s=0.01)
    start_ns = clock.monotonic_ns() - 60 * NS_PER_S
    offset_ns = clock.wall_ns() - clock.monotonic_ns()
    hub.publish(stream_format(offset_ns))
    for packet in packets(start_ns, SECONDS * FPS):
        hub.publish(packet)
    hub.close()
    await writer.run(asyncio.Event())
    await asyncio.to_thread(storage.close)
    return start_ns + offset_ns


def pictures(data: bytes) -> list[float]:
    """Times in seconds of the pictures of an MP4."""
    with av.open(io.BytesIO(data)) as box:
        return [frame.time or 0.0 for frame in box.decode(video=0)]


async def test_the_timeline_says_what_there_is(stand: Stand, owner: httpx.AsyncClient) -> None:
    start = await record(stand)
    event = Event(id="e1", camera="front", kind="object", label="person", start_wall_ns=start + NS_PER_S)
    stand.api.deps.events.put(event)
    span = {"from_ns": start - NS_PER_S, "to_ns": start + 60 * NS_PER_S}
    answer = (await owner.get("/cameras/front/timeline", params=span)).json()
    (covered,) = answer["coverage"]
    assert covered["from_ns"] == start
    assert covered["to_ns"] == pytest.approx(start + SECONDS * NS_PER_S, abs=NS_PER_S // 2)
    assert answer["events"] == [
        {"id": "e1", "kind": "object", "label": "person", "start_ns": start + NS_PER_S, "end_ns": None}
    ]
    assert (await owner.get("/cameras/front/timeline", params={"from_ns": 5, "to_ns": 5})).status_code == 400


async def test_playback_starts_at_the_wanted_moment(stand: Stand, owner: httpx.AsyncClient) -> None:
    start = await record(stand)
    span = {"from_ns": start + 2_500_000_000, "to_ns": start + 5 * NS_PER_S}
    answer = await owner.get("/cameras/front/playback", params=span)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-eyespot-mime"].startswith('video/mp4; codecs="avc1.')
    assert int(answer.headers["x-eyespot-start-ns"]) == span["from_ns"]
    shown = pictures(answer.content)
    assert min(shown) == pytest.approx(0, abs=0.11)
    assert max(shown) >= 2.3
    missing = await owner.get("/cameras/front/playback", params={"from_ns": 1, "to_ns": 2 * NS_PER_S})
    assert missing.status_code == 404


async def test_an_export_is_a_whole_file_and_leaves_nothing_behind(stand: Stand, owner: httpx.AsyncClient) -> None:
    start = await record(stand)
    span = {"from_ns": start + NS_PER_S, "to_ns": start + 4 * NS_PER_S}
    answer = await owner.get("/cameras/front/export.mp4", params=span)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith('attachment; filename="front_2')
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert len(pictures(answer.content)) == 3 * FPS
    assert not list((stand.state / "cache" / "exports").iterdir())
    too_long = {"from_ns": start, "to_ns": start + 3 * 3600 * NS_PER_S}
    assert (await owner.get("/cameras/front/export.mp4", params=too_long)).status_code == 400


async def test_thumbnails_are_made_once(stand: Stand, owner: httpx.AsyncClient) -> None:
    start = await record(stand)
    one = await owner.get("/cameras/front/thumbnail.jpg", params={"at_ns": start + 3_400_000_000, "width": 80})
    assert one.status_code == 200, one.text
    with av.open(io.BytesIO(one.content), format="jpeg_pipe") as box:
        assert next(box.decode(video=0)).width == 80
    two = await owner.get("/cameras/front/thumbnail.jpg", params={"at_ns": start + 3_900_000_000, "width": 80})
    assert two.content == one.content
    assert len(list((stand.state / "cache" / "thumbnails").iterdir())) == 1
    assert (await owner.get("/cameras/front/thumbnail.jpg", params={"at_ns": 5})).status_code == 404


async def test_too_many_players_are_refused(stand: Stand, owner: httpx.AsyncClient) -> None:
    start = await record(stand)
    span = {"from_ns": start, "to_ns": start + SECONDS * NS_PER_S}
    footage = stand.api.deps.footage
    held = [footage.chunks(iter([b"a", b"b"]), "owner") for _ in range(8)]
    for one in held:
        assert await anext(one) == b"a"
    assert (await owner.get("/cameras/front/playback", params=span)).status_code == 429
    for one in held:
        await one.aclose()  # type: ignore[attr-defined]
    assert (await owner.get("/cameras/front/playback", params=span)).status_code == 200


async def test_a_snapshot_shows_the_camera_now(playing: Stand) -> None:
    async with playing.client() as client:
        answer = await client.get("/cameras/front/snapshot.jpg")
        assert answer.status_code == 200, answer.text
        with av.open(io.BytesIO(answer.content), format="jpeg_pipe") as box:
            assert next(box.decode(video=0)).to_ndarray(format="gray").max() > 200
        assert (await client.get("/cameras/attic/snapshot.jpg")).status_code == 503
        assert not playing.api.deps.live.status(), "the subscription ended with the request"


async def test_a_camera_that_shows_nothing_says_so(
    stand: Stand, owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyespot.edge.api.routes.cameras._SNAPSHOT_S", 0.1)
    answer = await owner.get("/cameras/front/snapshot.jpg")
    assert answer.status_code == 503
    assert answer.json()["error"]["todo"]


async def test_events_are_found_with_picture_and_clip(stand: Stand, owner: httpx.AsyncClient) -> None:
    start = await record(stand)
    store = stand.api.deps.events
    for number in range(5):
        moment = start + number * NS_PER_S
        store.put(
            Event(
                id=f"e{number}", camera="front", kind="object", label="person" if number % 2 else "car", zone="porch",
                start_wall_ns=moment, end_wall_ns=moment + NS_PER_S, picture=f"front/e{number}.jpg",
            )
        )  # fmt: skip
    page = (await owner.get("/events", params={"limit": 3})).json()
    assert [event["id"] for event in page["events"]] == ["e4", "e3", "e2"]
    rest = (await owner.get("/events", params={"limit": 3, "before": page["next"]})).json()
    assert [event["id"] for event in rest["events"]] == ["e1", "e0"]
    assert rest["next"] is None
    people = (await owner.get("/events", params={"label": "person", "zone": "porch"})).json()["events"]
    assert [event["id"] for event in people] == ["e3", "e1"]
    assert (await owner.get("/events", params={"before": "nonsense"})).status_code == 400
    assert (await owner.get("/events/e1")).json()["camera"] == "front"
    assert (await owner.get("/events/e1/picture.jpg")).status_code == 404
    folder = stand.state / "media" / "front"
    folder.mkdir(parents=True)
    (folder / "e1.jpg").write_bytes(b"\xff\xd8picture")
    assert (await owner.get("/events/e1/picture.jpg")).content == b"\xff\xd8picture"
    clip = await owner.get("/events/e1/clip.mp4")
    assert clip.status_code == 200, clip.text
    assert len(pictures(clip.content)) >= 6 * FPS


@pytest.mark.parametrize(
    "picture",
    [
        "../secret.jpg",
        "/etc/hostname",
        "front/../../secret.jpg",
        "front/..",
        "yard/e.jpg",
        "front/e.jpg\0",
        "front/l.jpg",
    ],
)
async def test_no_stored_picture_name_leads_out(
    stand: Stand, owner: httpx.AsyncClient, picture: str, tmp_path: Path
) -> None:
    (stand.state / "secret.jpg").write_bytes(b"secret")
    for camera in ("front", "yard"):
        (stand.state / "media" / camera).mkdir(parents=True)
    (stand.state / "media" / "yard" / "e.jpg").write_bytes(b"another camera")
    (stand.state / "media" / "front" / "l.jpg").symlink_to(stand.state / "secret.jpg")
    stand.api.deps.events.put(Event(id="e", camera="front", kind="object", start_wall_ns=1, picture=picture))
    assert (await owner.get("/events/e/picture.jpg")).status_code == 404


async def test_events_arrive_live_for_those_who_may_see_them(stand: Stand, owner: httpx.AsyncClient) -> None:
    from eyespot.bus import subjects

    body = {"name": "guest", "password": "another long phrase", "cameras": ["yard"]}
    await owner.post("/users", json=body)
    async with stand.client(sign_in=False) as guest:
        await guest.post("/session", json={"username": "guest", "password": "another long phrase"})
        async with stand.socket("/events/live", owner) as all_of_them, stand.socket("/events/live", guest) as some:
            await stand.until(lambda: len(stand.api.deps.feeds._events._listeners) == 2)
            for camera in ("front", "yard"):
                event = Event(id=camera, camera=camera, kind="object", start_wall_ns=1)
                await stand.bus.publish(subjects.events(camera), event.model_dump_json().encode())
                await stand.bus.publish(subjects.events(camera), b"{not an event")
            async with asyncio.timeout(10):
                first, second = Event.model_validate_json(await all_of_them.recv()), await all_of_them.recv()
                only = Event.model_validate_json(await some.recv())
    assert (first.camera, Event.model_validate_json(second).camera, only.camera) == ("front", "yard", "yard")
