"""What the frames socket refused a service, over its doors."""

from eyespot.edge.services.frames_record import FramesRecord


def test_counts_go_on_when_a_door_begins_anew_or_is_gone() -> None:
    record = FramesRecord()
    record.take({"refused": 2, "refusals": ["a", "b"]})
    record.take({"refused": 3, "refusals": ["a", "b", "c"]})
    record.take({})
    assert record.status() == {"refused": 3, "refusals": ["a", "b", "c"]}
    record.take({"refused": 0, "refusals": []})
    assert record.status() == {"refused": 3, "refusals": ["a", "b", "c"]}
    record.take({"refused": 1, "refusals": ["d"]})
    assert record.status() == {"refused": 4, "refusals": ["d"]}
