"""What a service watches: drawn for it, and the camera's own zones by name; a slip costs no more than itself."""

from eyespot.contracts.zones import Zone
from eyespot.sdk.watched import watched

DOOR = {"name": "door", "points": [[0, 0], [1, 0], [1, 1]]}
LAWN = Zone(name="lawn", kind="zone", points=((0, 0), (0.5, 0), (0.5, 1)))
GATE = Zone(name="gate", kind="line", points=((0, 0), (1, 1)))


def names(found: object) -> list[str]:
    return [region.name for region in getattr(found, "regions", ())]


def test_zones_are_watched_beside_what_was_drawn_and_once() -> None:
    found = watched([DOOR], [LAWN, GATE], ["lawn", "lawn"])
    assert (names(found), found.trouble) == (["door", "lawn"], "")
    assert found.regions[1].holds((0.4, 0.1))


def test_one_that_is_gone_costs_itself_alone_and_a_line_has_no_inside() -> None:
    found = watched([], [LAWN, GATE], ["yard", "gate", "lawn"])
    assert names(found) == ["lawn"]
    assert "'yard'" in found.trouble
    assert "'gate'" in found.trouble


def test_two_of_one_name_are_told_and_the_drawn_one_stays() -> None:
    found = watched([DOOR], [LAWN.model_copy(update={"name": "door"})], ["door"])
    assert (names(found), "'door'" in found.trouble) == (["door"], True)
    broken = watched([DOOR, DOOR], [LAWN], ["lawn"])
    assert (names(broken), "Two regions" in broken.trouble) == (["lawn"], True)
