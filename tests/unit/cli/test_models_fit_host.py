"""A host's config as functions for the planner."""

from pathlib import Path

import pytest

from eyespot.cli.models_fit_host import HostWants
from eyespot.infer.fit.plan import Room, Want
from eyespot.kernel.errors import EyespotError

CAMERA = '[[camera]]\nid = "{id}"\n[[camera.stream]]\nsource = "synthetic:"\n[camera.detect]\n{detect}\n'


def config(folder: Path, head: str, **cameras: str) -> Path:
    path = folder / "host.toml"
    path.write_text(head + "".join(CAMERA.format(id=name, detect=detect) for name, detect in cameras.items()))
    return path


def test_cameras_that_detect_are_wants(tmp_path: Path) -> None:
    cameras = {
        "door": "priority = 3\nrate_hz = 10",
        "yard": "",
        "hall": 'package = "other"',
        "attic": "enabled = false",
    }
    host = HostWants(config(tmp_path, "", **cameras))
    assert host.packages == ["nanodet-g", "other"]
    assert host.wants == [
        Want("door", "nanodet-g", 10.0, 3), Want("yard", "nanodet-g", 5.0, 0), Want("hall", "other", 5.0, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("head", "lanes"),
    [
        ("", 1.0),
        ("[vision]\nlanes = 8\n", 4.0),
        ('[vision]\ninference = "process"\n[inference]\nrest_port = 8470\nguest_share = 0.4\n', 0.6),
        ("[inference]\nrest_port = 8470\n", 1.0),
    ],
)
def test_room_is_the_hosts_lanes_on_this_board_less_the_guests_part(tmp_path: Path, head: str, lanes: float) -> None:
    host = HostWants(config(tmp_path, head, door=""))
    assert host.room(Room({"cpu": 4.0}, 1000)) == Room({"cpu": lanes}, 1000)


def test_without_a_camera_there_is_nothing_to_plan(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="detects anything"):
        HostWants(config(tmp_path, "", door="enabled = false"))
