"""Notes for a person: cameras that have to do with less than they ask for."""

from typing import Any

from eyespot.edge.api.notes import host_notes
from eyespot.edge.api.shapes import ProcessAnswer


def vision(plan: Any) -> ProcessAnswer:
    return ProcessAnswer(role="vision", pid=1, wall_ns=1, uptime_s=1.0, totals={"plan": plan}, cameras={}, fresh=True)


def test_a_lowered_camera_is_told_with_its_reason() -> None:
    full = {"rate_hz": 5.0, "wanted_hz": 5.0, "degraded": "", "reason": ""}
    low = {"rate_hz": 2.1, "wanted_hz": 5.0, "degraded": "rate", "reason": "lanes is 60 % taken by higher priorities"}
    (note,) = host_notes([vision({"cameras": {"door": full, "yard": low}})], [], [])
    assert note.what == (
        "Camera yard has 2.1 detections a second instead of 5: lanes is 60 % taken by higher priorities."
    )
    assert "detect.priority" in note.todo


def test_a_report_of_another_shape_says_nothing() -> None:
    assert host_notes([vision(None), vision({"cameras": []})], [], []) == []
