"""The documents on the bus and in the store keep their shape and their bounds."""

from typing import get_args

import pytest
from pydantic import ValidationError

from eyespot.contracts.event import EVENT_KINDS, Event, HealthKind, PathPoint, SceneKind, ServiceKind
from eyespot.contracts.status import StatusMessage
from eyespot.contracts.track import Track, TracksMessage

BOX = (0.1, 0.2, 0.3, 0.4)


def test_the_list_of_event_kinds_is_complete() -> None:
    assert (*get_args(SceneKind), *get_args(HealthKind), *get_args(ServiceKind)) == EVENT_KINDS


def test_an_event_survives_json() -> None:
    event = Event(
        id="01", camera="yard", kind="line", label="person", start_wall_ns=5, score=0.5, best_box=BOX,
        path=(PathPoint(wall_ns=5, box=BOX),), detail={"direction": "in", "count_in": 3},
    )  # fmt: skip
    assert Event.model_validate_json(event.model_dump_json()) == event
    assert event.end_wall_ns is None


@pytest.mark.parametrize(
    "change",
    [{"kind": "party"}, {"score": 1.5}, {"v": 2}, {"path": [{"wall_ns": 1, "box": BOX}] * 513}, {"best_box": (1, 2)}],
)
def test_a_wrong_event_is_refused(change: dict[str, object]) -> None:
    document = {"id": "01", "camera": "yard", "kind": "object", "start_wall_ns": 5}
    assert Event.model_validate(document).score == 1.0
    with pytest.raises(ValidationError):
        Event.model_validate({**document, **change})


def test_tracks_survive_json_and_have_bounds() -> None:
    message = TracksMessage(
        camera="yard", capture_ns=1, wall_ns=2, tracks=(Track(id=1, label="person", score=0.9, box=BOX),)
    )
    assert TracksMessage.model_validate_json(message.model_dump_json()) == message
    with pytest.raises(ValidationError):
        Track(id=0, label="person", score=0.9, box=BOX)
    with pytest.raises(ValidationError):
        Track(id=1, label="person", score=-0.1, box=BOX)


def test_status_survives_json() -> None:
    status = StatusMessage(role="media", pid=7, wall_ns=1, uptime_s=2.5, cameras={"yard": {"packets": 3}})
    assert StatusMessage.model_validate_json(status.model_dump_json()) == status
    with pytest.raises(ValidationError):
        StatusMessage.model_validate({"role": "kitchen", "pid": 7, "wall_ns": 1, "uptime_s": 1})
