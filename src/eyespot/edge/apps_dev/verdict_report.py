"""How tests of a service went: for people, as JSON, and as JUnit XML."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from eyespot.edge.apps_dev.expectations import Expected, Found, Verdict
from eyespot.edge.apps_dev.player import Outcome

LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Result:
    """Of one test.

    Attributes:
        error: why it could not be run; empty when it was.
        evidence: folder of clips and pictures of what differs; None when nothing does.
    """

    name: str
    verdict: Verdict
    outcome: Outcome
    error: str = ""
    evidence: Path | None = None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.error and self.verdict.passed and not self.outcome.troubles

    @property
    def lines(self) -> list[str]:
        """What is wrong, a line each."""
        lines = [self.error] if self.error else []
        for missing in self.verdict.missing:
            lines.append(f"missing: {expected_text(missing.expected)}, {missing.came} came")
        lines += [f"unexpected: {found_text(one)}" for one in self.verdict.unexpected]
        return [*lines, *self.outcome.troubles]


def expected_text(expected: Expected) -> str:
    """For example ``2 × count between 3 s and 9 s``."""
    to = "the end" if expected.to_s is None else f"{expected.to_s:g} s"
    detail = f" with {json.dumps(expected.detail)}" if expected.detail else ""
    more = f" ± {expected.tolerance}" if expected.tolerance else ""
    return f"{expected.count}{more} × {expected.kind} between {expected.from_s:g} s and {to}{detail}"


def found_text(found: Found) -> str:
    """For example ``count at 3.2 s {"way": "in"}``."""
    return f"{found.kind} at {found.at_s:.1f} s {json.dumps(found.event.detail)}"


def as_text(result: Result) -> str:
    """For people."""
    outcome = result.outcome
    word = "passed" if result.passed else "FAILED"
    amount = f"{len(outcome.events)} events in {outcome.footage_s:.1f} s of footage, {outcome.took_s:.1f} s"
    lines = [f"{word}  {result.name}: {amount}", *(f"  {line}" for line in result.lines)]
    if not result.passed:
        lines += [f"  output: {line}" for line in outcome.logs[-LOG_LINES:]]
    if result.evidence is not None:
        lines.append(f"  clips and pictures: {result.evidence}")
    return "\n".join(lines)


def as_document(results: Sequence[Result]) -> dict[str, Any]:
    """As JSON-ready values."""
    tests = [
        {
            "name": one.name, "passed": one.passed, "wrong": one.lines, "events": len(one.outcome.events),
            "footage_s": round(one.outcome.footage_s, 3), "took_s": round(one.outcome.took_s, 3),
            "evidence": None if one.evidence is None else str(one.evidence),
        }
        for one in results
    ]  # fmt: skip
    return {"passed": all(one.passed for one in results), "tests": tests}


def as_junit(service: str, results: Sequence[Result]) -> bytes:
    """As JUnit XML, which CI systems read: one suite, a failure for what differs, an error for what did not run."""
    failures = sum(not one.passed and not one.error for one in results)
    suite = ElementTree.Element(
        "testsuite", name=service, tests=str(len(results)), failures=str(failures),
        errors=str(sum(bool(one.error) for one in results)),
        time=f"{sum(one.outcome.took_s for one in results):.3f}",
    )  # fmt: skip
    for one in results:
        case = ElementTree.SubElement(
            suite, "testcase", name=one.name, classname=service, time=f"{one.outcome.took_s:.3f}"
        )
        if not one.passed:
            kind = "error" if one.error else "failure"
            wrong = ElementTree.SubElement(case, kind, message=one.lines[0])
            wrong.text = "\n".join(one.lines)
        if one.outcome.logs:
            ElementTree.SubElement(case, "system-out").text = "\n".join(one.outcome.logs[-LOG_LINES:])
    written: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written
