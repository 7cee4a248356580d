"""The manifest of a service: what is taken, what is refused and in which words; what services say on the bus."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from eyespot.contracts.service import Manifest, read_manifest
from eyespot.contracts.service_bus import Beat, ServiceEvent, ServiceState, stored_id
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.kernel.ids import new_id

COUNTER = """
[service]
name = "people-counter"
version = "1.0.0"
title = "People counter"
summary = "Counts people through a doorway."
vendor = "Example"
python = "counter:Counter"

[[view]]
name = "door"
camera = "*"
labels = ["person"]
form = "crops"
width_px = 640
height_px = 360
rate_hz = 5.0
region = [0.0, 0.0, 1.0, 1.0]

[[model]]
package = "nanodet-g"
rate_hz = 1.0

[permissions]
read = ["tracks"]
emit = ["count"]
network = ["example.org:443", "[fe80::1]:80"]
policy = ["workplace"]

[budget]
cpu = 0.5
accelerator = 0.1

[config]
type = "object"
[config.properties.limit]
type = "integer"
default = 10
minimum = 1
"""


def write(folder: Path, text: str) -> Path:
    (folder / "service.toml").write_text(text)
    return folder


def test_a_manifest_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, COUNTER))
    assert (manifest.service.name, manifest.service.host) == ("people-counter", "process")
    assert (manifest.view[0].name, manifest.view[0].width_px) == ("door", 640)
    assert (manifest.budget.memory_mb, manifest.budget.cpu) == (128, 0.5)
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("vendor =", "vendro =", "did you mean 'vendor'?"),
        ("memory_mb", "memory_mb", "did you mean 'memory_mb'?"),
        ('name = "people-counter"', 'name = "People"', "is not a name"),
        ('name = "people-counter"', 'name = "eyespot-media"', "belong to the host"),
        ('name = "people-counter"', f'name = "{"a" * 33}"', "is not a name"),
        ('"1.0.0"', '"1"', "'version' must have the form"),
        ('python = "counter:Counter"', "", "either python"),
        ("counter:Counter", "../counter:Counter", "module:Class"),
        ('emit = ["count"]', 'emit = ["count"]\nrecord = ["other"]', "not in permissions.emit"),
        ('"count"]', '"output"]', "which the host alone says"),
        ('"count"]', '"count", "count"]', "two entries of permissions.emit are called 'count'"),
        ('"count"]', '"Count!"]', "is not a name"),
        ("example.org:443", "https://example.org", "no destination"),
        ("example.org:443", "example.org:70000", "no destination"),
        ("accelerator = 0.1", "accelerator = 0.0", "budget.accelerator"),
        ("cpu = 0.5", "cpu = 0.0", "'cpu' must be more than 0"),
        ('policy = ["workplace"]', 'policy = ["weapons"]', "'biometric', 'workplace'"),
        ("minimum = 1", 'minimum = "1"', "minimum of 'limit' is a number"),
        ("minimum = 1", 'pattern = "(a+)+$"', "uses 'pattern'"),
        ("default = 10", "default = 0", "The defaults break the schema"),
    ],
)
def test_a_mistake_is_told_by_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = COUNTER.replace(old, new) if old != "memory_mb" else COUNTER.replace("cpu = 0.5", "memory_md = 64")
    with pytest.raises(EyespotError) as raised:
        read_manifest(write(tmp_path, text))
    assert raised.value.kind is Kind.INVALID
    assert words in str(raised.value)


def test_two_views_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="two views are called 'door'"):
        read_manifest(write(tmp_path, COUNTER + '\n[[view]]\nname = "door"\n'))


def test_a_folder_without_a_manifest_says_so(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match=r"no service\.toml"):
        read_manifest(tmp_path)


def event(**changes: Any) -> dict[str, Any]:
    return {"id": new_id(5), "kind": "count", "camera": "yard", "start_wall_ns": 5, **changes}


def test_what_services_say_survives_json() -> None:
    said = ServiceEvent.model_validate(event(detail={"n": 3}, best_box=(0, 0, 0.5, 0.5)))
    assert ServiceEvent.model_validate_json(said.model_dump_json()) == said
    beat = Beat(version="1.0.0", uptime_s=2, frames={"door": 3})
    assert Beat.model_validate_json(beat.model_dump_json()) == beat
    state = ServiceState(wall_ns=1, values={"inside": 4})
    assert ServiceState.model_validate_json(state.model_dump_json()) == state


@pytest.mark.parametrize(
    "changes",
    [{"id": "../../x"}, {"v": 2}, {"end_wall_ns": 4}, {"score": 2}, {"kind": "a.b"}, {"more": 1}, {"start_wall_ns": -1},
     {"best_box": (0, 0, 1)}, {"detail": {str(n): n for n in range(33)}}],
)  # fmt: skip
def test_a_wrong_event_of_a_service_is_refused(changes: dict[str, Any]) -> None:
    ServiceEvent.model_validate(event())
    with pytest.raises(ValidationError):
        ServiceEvent.model_validate(event(**changes))


def test_no_service_can_take_the_id_of_anothers_event() -> None:
    one = new_id(5)
    assert len({one, stored_id("a", one), stored_id("b", one)}) == 3


CONTROLS = """
[state]
type = "object"
[state.properties.people]
type = "integer"
title = "People inside"
[[control]]
verb = "reset"
title = "Start from nothing"
confirm = true
[control.input]
type = "object"
[control.input.properties.people]
type = "integer"
"""


def test_controls_and_live_state_are_described_in_the_manifest(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, COUNTER + CONTROLS))
    (control,) = manifest.control
    assert (control.verb, control.confirm, list(control.input["properties"])) == ("reset", True, ["people"])
    assert manifest.state["properties"]["people"]["title"] == "People inside"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('verb = "reset"', 'verb = "re.set"'), "is not a name"),
        (('type = "integer"\ntitle', 'type = "whole"\ntitle'), "state"),
        (("[control.input]", "[control.other]"), "did you mean"),
        (("[[control]]", '[[control]]\nverb = "reset"\ntitle = "Twice"\n[[control]]'), "two controls are called"),
    ],
)
def test_controls_that_cannot_be_drawn_are_refused(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(EyespotError, match=told):
        read_manifest(write(tmp_path, COUNTER + CONTROLS.replace(*change, 1)))
