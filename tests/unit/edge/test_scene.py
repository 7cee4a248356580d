"""Detections become tracks, events and pictures."""

from pathlib import Path

import numpy as np

from eyespot.contracts.detections import Detections
from eyespot.edge.config import CameraSettings
from eyespot.edge.config_parts import StreamSettings, ZoneSettings
from eyespot.edge.scene import Scene, tracker_settings, write_pictures
from eyespot.kernel.clock import NS_PER_S

STEP_NS = NS_PER_S // 5
OFFSET_NS = 1_700_000_000 * NS_PER_S
RIGHT = ZoneSettings(name="right", points=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))


def settings(*zones: ZoneSettings) -> CameraSettings:
    return CameraSettings(id="cam", stream=(StreamSettings(source="synthetic:"),), zone=zones)


def person(at: int, x: float | None) -> Detections:
    rows = [] if x is None else [(x, 0.3, x + 0.1, 0.7)]
    boxes = np.array(rows, np.float32).reshape(-1, 4)
    return Detections(at * STEP_NS, boxes, np.full(len(rows), 0.9, np.float32), np.zeros(len(rows), np.int32), 16 / 9)


def test_a_walk_is_one_track_with_events_in_wall_time_and_a_picture(tmp_path: Path) -> None:
    scene = Scene(settings(RIGHT), tmp_path)
    scene.labels = ("person",)
    events, pictures = [], []
    for at in range(1, 41):
        moment = scene.detected(person(at, 0.1 + at * 0.018), OFFSET_NS)
        events += moment.events
        pictures += moment.pictures
    assert moment.message.wall_ns == 40 * STEP_NS + OFFSET_NS
    assert [(track.label, track.zones) for track in moment.message.tracks] == [("person", ("right",))]
    assert (scene.tracks_seen, scene.tracks_now, scene.boxes.shape) == (1, 1, (1, 4))
    started = {event.kind: event for event in reversed(events)}
    assert set(started) == {"object", "zone"}
    assert started["object"].start_wall_ns < started["zone"].start_wall_ns < OFFSET_NS + 40 * STEP_NS
    assert started["zone"].zone == "right"
    assert len({event.id for event in events}) == scene.events == 2
    assert pictures
    assert {path.name for path in pictures} <= {f"{event.id}.jpg" for event in events}
    ended = scene.finish(41 * STEP_NS, OFFSET_NS)
    assert {event.id for event in ended} == {event.id for event in events}
    assert all(event.end_wall_ns is not None and event.picture for event in ended if event.kind == "object")


def test_what_stood_there_before_a_quiet_time_is_there_after_it(tmp_path: Path) -> None:
    scene = Scene(settings(), tmp_path)
    scene.labels = ("person",)
    for at in range(1, 40):
        scene.detected(person(at, 0.4), OFFSET_NS)
    still = scene.still(50 * STEP_NS, OFFSET_NS)
    assert (still.message.moving, len(still.message.tracks)) == (False, 1)
    again = scene.detected(person(51, 0.4), OFFSET_NS)
    assert [track.id for track in again.message.tracks] == [track.id for track in still.message.tracks]
    assert scene.tracks_seen == 1


def test_rules_are_replaced_live(tmp_path: Path) -> None:
    scene = Scene(settings(), tmp_path)
    scene.labels = ("person",)
    events = []
    for at in range(1, 10):
        events += scene.detected(person(at, 0.7), OFFSET_NS).events
    assert {event.kind for event in events} == {"object"}
    assert scene.replace_rules(settings(RIGHT), 9 * STEP_NS, OFFSET_NS) == []
    later = [event for at in range(10, 20) for event in scene.detected(person(at, 0.7), OFFSET_NS).events]
    zones = [event for event in later if event.kind == "zone"]
    assert zones[0].start_wall_ns >= OFFSET_NS + 9 * STEP_NS
    ended = scene.replace_rules(settings(), 20 * STEP_NS, OFFSET_NS)
    assert [(event.id, event.end_wall_ns) for event in ended] == [(zones[0].id, OFFSET_NS + 20 * STEP_NS)]
    assert scene.tracks_now == 1, "the object itself goes on"


def test_weak_detections_follow_but_do_not_begin(tmp_path: Path) -> None:
    assert tracker_settings(0.3).new_score == 0.3
    assert tracker_settings(0.3).high_score <= 0.3
    scene = Scene(settings(), tmp_path)
    scene.labels = ("person",)
    for at in range(1, 20):
        one = person(at, 0.4)
        weak = Detections(one.capture_ns, one.boxes, one.scores * np.float32(0.4), one.labels, one.aspect)
        scene.detected(weak, OFFSET_NS)
    assert scene.tracks_seen == 0


def test_a_picture_replaces_the_one_before_whole(tmp_path: Path) -> None:
    path = tmp_path / "cam" / "event.jpg"
    for data in (b"first", b"second"):
        write_pictures([path], data)
        assert path.read_bytes() == data
    assert [file.name for file in path.parent.iterdir()] == ["event.jpg"]
