"""Which events pulse which outputs: once each, by the zone's own choice, and never for old news."""

from typing import Any

import pytest

from eyespot.contracts.event import Event
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.outputs.triggers import MAX_REMEMBERED, STALE_S, Ask, Triggers
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError

NOW_NS = 1_700_000_000 * NS_PER_S
SQUARE = [[0, 0], [1, 0], [1, 1]]
GATE = {"name": "gate", "a": [0, 0], "b": [1, 1], "outputs": ["lamp", "bell"], "pulse_s": 2.5}


def config(**camera: Any) -> CameraHostConfig:
    outputs = [{"name": name, "kind": "simulated"} for name in ("lamp", "bell")]
    base = {"id": "cam", "stream": [{"source": "synthetic:"}], "line": [GATE]}
    return validate(CameraHostConfig, {"output": outputs, "camera": [{**base, **camera}]}, "test")


def triggers(**camera: Any) -> Triggers:
    made = Triggers()
    made.replace(config(**camera))
    return made


def event(number: int = 1, kind: str = "line", zone: str = "gate", **values: Any) -> Event:
    base = {"id": f"e{number}", "camera": "cam", "kind": kind, "zone": zone, "start_wall_ns": NOW_NS}
    return Event.model_validate({**base, **values})


def test_a_crossing_asks_once_for_every_output_that_its_line_names() -> None:
    made = triggers()
    why = "line event of gate, camera cam"
    assert made.asked(event(end_wall_ns=NOW_NS), NOW_NS) == (Ask("lamp", 2.5, why), Ask("bell", 2.5, why))
    assert made.asked(event(score=0.5), NOW_NS) == (), "the same event, improved"
    assert len(made.asked(event(2), NOW_NS)) == 2


@pytest.mark.parametrize("other", [{"zone": "door"}, {"camera": "yard"}, {"kind": "zone"}, {"kind": "blind"}])
def test_other_events_ask_for_nothing(other: dict[str, Any]) -> None:
    assert triggers().asked(event(**other), NOW_NS) == ()


@pytest.mark.parametrize("chosen", ["zone", "loiter", "occupancy"])
def test_a_zone_chooses_the_kind_of_event(chosen: str) -> None:
    zone = {"name": "yard", "points": SQUARE, "outputs": ["bell"], "pulse_on": chosen, "loiter_s": 5, "max_objects": 2}
    made = triggers(zone=[zone])
    kinds = [
        kind
        for number, kind in enumerate(("zone", "loiter", "occupancy"))
        if made.asked(event(number, kind, "yard"), NOW_NS)
    ]
    assert kinds == [chosen]


def test_old_news_opens_no_gate() -> None:
    late_ns = NOW_NS + round((STALE_S + 1) * NS_PER_S)
    made = triggers()
    assert made.asked(event(), late_ns) == ()
    assert made.asked(event(), NOW_NS) == (), "and does not later either"


def test_a_camera_that_is_switched_off_asks_for_nothing() -> None:
    assert triggers(enabled=False).asked(event(), NOW_NS) == ()


def test_what_it_remembers_is_bounded() -> None:
    made = triggers()
    for number in range(3 * MAX_REMEMBERED):
        made.asked(event(number), NOW_NS)
    assert made.asked(event(3 * MAX_REMEMBERED - 1), NOW_NS) == ()
    assert made.asked(event(0), NOW_NS), "forgotten, so it counts as new"
    assert len(made._asked) == MAX_REMEMBERED


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ({"line": [{**GATE, "outputs": ["siren"]}]}, "there is no output 'siren', add it as"),
        ({"line": [{**GATE, "pulse_s": 0}]}, "pulse_s"),
        ({"line": [{**GATE, "pulse_s": 1e9}]}, "pulse_s"),
        ({"line": [{**GATE, "outputs": ["lamp"] * 9}]}, "at most 8"),
        ({"zone": [{"name": "z", "points": SQUARE, "outputs": ["lamp"], "pulse_on": "loiter"}]}, "needs loiter_s"),
        (
            {"zone": [{"name": "z", "points": SQUARE, "outputs": ["lamp"], "pulse_on": "occupancy"}]},
            "needs max_objects",
        ),
    ],
)
def test_rules_that_cannot_work_are_refused(camera: dict[str, Any], said: str) -> None:
    with pytest.raises(EyespotError, match=said):
        config(**camera)
