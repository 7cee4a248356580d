"""What a test of a service expects, and what counts as having come."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from eyespot.contracts.event import Event
from eyespot.edge.apps_dev.evidence import TRACK_COLOUR, differences, draw_box
from eyespot.edge.apps_dev.expectations import Case, Found, Verdict, compare, found_in, read_cases
from eyespot.edge.apps_dev.player import Outcome
from eyespot.edge.apps_dev.verdict_report import Result, as_document, as_junit, as_text
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError


def found(at_s: float, kind: str = "count", **detail: Any) -> Found:
    start_ns = round(at_s * 1e9)
    event = Event(id="x", camera="c", kind="service", label=f"s.{kind}", start_wall_ns=start_ns, detail=detail)
    return Found(kind, at_s, event)


def case(*events: dict[str, Any], **more: Any) -> Case:
    return validate(Case, {"footage": "sample", "event": list(events), **more}, "test")


def told(verdict: Verdict) -> tuple[list[int], list[float]]:
    return [one.came for one in verdict.missing], [one.at_s for one in verdict.unexpected]


WINDOW = {"kind": "count", "from_s": 2, "to_s": 4}


@pytest.mark.parametrize(
    ("wanted", "came", "verdict"),
    [
        ([WINDOW], [found(3)], ([], [])),
        ([WINDOW], [found(2), found(4)], ([], [4])),
        ([WINDOW], [found(1.9)], ([0], [1.9])),
        ([{**WINDOW, "tolerance_s": 0.5}], [found(1.6)], ([], [])),
        ([{**WINDOW, "count": 3, "tolerance": 1}], [found(2), found(3)], ([], [])),
        ([{**WINDOW, "count": 3, "tolerance": 1}], [found(3)], ([1], [])),
        ([{**WINDOW, "count": 1, "tolerance": 1}], [found(2), found(3), found(4)], ([], [4])),
        ([{**WINDOW, "count": 0}], [found(3)], ([], [3])),
        ([{**WINDOW, "detail": {"way": "in"}}], [found(3, way="out")], ([0], [3])),
        ([{**WINDOW, "detail": {"way": "in"}}], [found(3, way="in", n=1)], ([], [])),
        ([WINDOW, {"kind": "count", "from_s": 3}], [found(3), found(3.5)], ([], [])),
        ([{"kind": "count"}, WINDOW], [found(3), found(9)], ([], [])),
        ([], [found(3, "other")], ([], [3])),
    ],
)
def test_each_event_counts_for_one_expectation(
    wanted: list[dict[str, Any]], came: list[Found], verdict: tuple[list[int], list[float]]
) -> None:
    assert told(compare(case(*wanted), came)) == verdict


def test_what_may_come_or_not_is_ignored() -> None:
    assert compare(case(ignore=["other"]), [found(3, "other")]).passed


def test_events_are_placed_in_the_footage_by_when_they_began() -> None:
    events = [found(7).event, found(5).event]
    assert [(one.kind, one.at_s) for one in found_in(events, 4_000_000_000)] == [("count", 1.0), ("count", 3.0)]


def test_a_test_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    with pytest.raises(EyespotError, match="There is no test in"):
        read_cases(tmp_path, ["count"])
    file = tmp_path / "tests" / "one.toml"
    file.write_text('footage = "sample"\n[[event]]\nkind = "dark"\n')
    with pytest.raises(EyespotError, match=r"tests/one\.toml expects 'dark', which is not in permissions\.emit"):
        read_cases(tmp_path, ["count"])
    file.write_text('footage = "sample"\n[[event]]\nkind = "count"\nfrom_s = 3\nto_s = 2\n')
    with pytest.raises(EyespotError, match="to_s lies before from_s"):
        read_cases(tmp_path, ["count"])
    with pytest.raises(EyespotError, match="There is no test 'two'"):
        read_cases(tmp_path, ["count"], "two")


def test_reports_tell_what_differs() -> None:
    wanted = case({**WINDOW, "count": 2, "detail": {"way": "in"}})
    verdict = compare(wanted, [found(3, way="in"), found(9)])
    outcome = Outcome(footage_s=10.0, took_s=1.5, logs=("it said <this>",))
    results = [
        Result("door", verdict, outcome),
        Result("gone", Verdict(), Outcome(), "There is no footage."),
        Result("good", Verdict(), outcome),
    ]
    text = as_text(results[0])
    assert 'missing: 2 × count between 2 s and 4 s with {"way": "in"}, 1 came' in text
    assert "unexpected: count at 9.0 s {}" in text
    assert "it said <this>" in text
    document = as_document(results)
    assert (document["passed"], [one["passed"] for one in document["tests"]]) == (False, [False, False, True])
    suite = ElementTree.fromstring(as_junit("people", results))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert [child.tag for child in suite[0]] == ["failure", "system-out"]
    assert suite[0].findtext("system-out") == "it said <this>"


def test_of_what_differs_the_clip_and_the_moment_are_known() -> None:
    verdict = compare(case(WINDOW), [found(9), found(1)])
    missing, late, early = differences(verdict, 10.0)
    assert (missing.name, missing.from_s, missing.to_s, missing.at_s) == ("01-missing-count-3.0s", 2, 4, 3)
    assert (late.name, late.from_s, late.to_s) == ("02-unexpected-count-9.0s", 7, 12)
    assert early.from_s == 0


def test_a_box_is_drawn_within_the_picture() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    draw_box(pixels, (-1.0, 0.5, 0.5, 3.0), TRACK_COLOUR)
    assert tuple(pixels[30, 29]) == TRACK_COLOUR
    assert tuple(pixels[19, 10]) == TRACK_COLOUR
    assert not pixels[5].any()
    assert not pixels[30, 10].any()
