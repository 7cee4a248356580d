"""The rendered scene is a camera like any other, and knows what it shows."""

import itertools

import numpy as np
import pytest

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.hal.sensors.scene import SceneMode, SceneSettings, SyntheticScene
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.hal.sensors.synthetic import SyntheticSensor, parse_source
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError
from eyespot.testing.sim_clock import SimClock

SMALL = SceneSettings(width_px=320, height_px=180, people=3, seed=2, frames=25)


def test_an_address_says_what_is_wished() -> None:
    assert parse_source("synthetic:") == SceneSettings()
    wanted = parse_source("synthetic:?people=5&width=320&height=180&fps=12.5&seed=9&noise=2&frames=7")
    assert (wanted.people, wanted.width_px, wanted.height_px, wanted.fps) == (5, 320, 180, 12.5)
    assert (wanted.seed, wanted.noise, wanted.frames) == (9, 2, 7)


@pytest.mark.parametrize("source", ["synthetic:?dogs=1", "synthetic:?width=31", "synthetic:?people=many"])
def test_a_wrong_address_is_explained(source: str) -> None:
    with pytest.raises(EyespotError, match=r"dogs|width_px|people"):
        parse_source(source)


def test_the_same_seed_gives_the_same_picture_in_any_order() -> None:
    one = SyntheticScene(SMALL.model_copy(update={"noise": 3}))
    two = SyntheticScene(SMALL.model_copy(update={"noise": 3}))
    late = [one.render(index)[0] for index in (17, 3)]
    assert np.array_equal(late[1], two.render(3)[0])
    assert np.array_equal(late[0], two.render(17)[0])
    other = SyntheticScene(SMALL.model_copy(update={"seed": 3}))
    assert not np.array_equal(other.render(3)[0], two.render(3)[0])


def test_the_truth_is_where_the_picture_differs_from_the_empty_scene() -> None:
    scene, empty = SyntheticScene(SMALL), SyntheticScene(SMALL.model_copy(update={"people": 0}))
    for index in (0, 40, 80):
        changed = scene.render(index)[0] != empty.render(index)[0]
        covered = np.zeros_like(changed)
        for each in scene.truth(index):
            x1, y1, x2, y2 = each.box
            rows = slice(round(y1 * 180), round(y2 * 180))
            columns = slice(round(x1 * 320), round(x2 * 320))
            covered[rows, columns] = True
            if each.visible == 1.0:
                assert changed[rows, columns].mean() > 0.35
        assert not (changed & ~covered).any()


def test_figures_hide_each_other() -> None:
    scene = SyntheticScene(SceneSettings(people=12, seed=4))
    shares = [each.visible for index in range(0, 200, 10) for each in scene.truth(index)]
    assert min(shares) < 0.5
    assert max(shares) == 1.0
    assert len({each.id for index in range(200) for each in scene.truth(index)}) == 12


def test_a_figure_moves_smoothly() -> None:
    scene = SyntheticScene(SceneSettings(people=1, seed=3))
    lefts = [each.box[0] for index in range(100) for each in scene.truth(index) if each.box[0] > 0 and each.box[2] < 1]
    assert all(abs(b - a) < 0.05 for a, b in itertools.pairwise(lefts))
    assert max(lefts) - min(lefts) > 0.2


@pytest.mark.parametrize("mode", ["night", "blank", "covered", "bright", "blurred", "moved", "nudged", "frozen"])
def test_modes_look_as_they_should(mode: SceneMode) -> None:
    scene = SyntheticScene(SMALL.model_copy(update={"schedule": ((10, mode),)}))
    day = SyntheticScene(SMALL)
    before, after = scene.render(9)[0], scene.render(15)[0]
    assert np.array_equal(before, day.render(9)[0])
    if mode == "frozen":
        assert np.array_equal(after, before)
        assert [each.box for each in scene.truth(15)] == [each.box for each in scene.truth(9)]
    else:
        assert np.abs(after.astype(int) - day.render(15)[0]).mean() > 3
    if mode in ("blank", "covered", "bright"):
        assert after.std() < 5
        assert scene.truth(15) == []
    if mode == "blurred":
        assert np.abs(np.diff(after.astype(int))).mean() < np.abs(np.diff(before.astype(int))).mean() / 3


def test_a_mode_can_be_switched_and_switched_back() -> None:
    scene = SyntheticScene(SMALL)
    scene.switch("blank", 5)
    scene.switch("day", 8)
    assert [scene.mode(index) for index in (4, 5, 7, 8)] == ["day", "blank", "blank", "day"]


async def test_units_come_in_time_with_a_key_frame_a_second() -> None:
    clock = SimClock()
    sensor = SyntheticSensor(SMALL, SensorSettings(pace="fast"), clock)
    units = [unit async for unit in sensor.units()]
    assert isinstance(units[0], StreamFormat)
    assert (units[0].video.width_px, units[0].video.height_px) == (320, 180)
    packets = [unit for unit in units if isinstance(unit, Packet)]
    assert len(packets) == 25
    assert [n for n, packet in enumerate(packets) if packet.is_key] == [0, 10, 20]
    assert [packet.capture_ns - packets[0].capture_ns for packet in packets] == [n * NS_PER_S // 10 for n in range(25)]
    assert [sensor.frame_index(packet.capture_ns) for packet in packets] == list(range(25))
    assert sensor.counters() == {"frames": 25}
