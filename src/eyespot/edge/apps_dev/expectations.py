"""What a test of a service expects (``tests/NAME.toml``), and whether it came. Pure but for reading the file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from eyespot.contracts.event import Event
from eyespot.contracts.service import Slug
from eyespot.kernel.clock import seconds
from eyespot.kernel.config import Settings, load_toml, validate
from eyespot.kernel.errors import invalid

TESTS_FOLDER = "tests"
MAX_TESTS, MAX_FOUND = 256, 10_000


class Expected(Settings):
    """Events that should come."""

    kind: Slug
    """One of the manifest's ``emit``."""
    from_s: float = Field(default=0.0, ge=0)
    """They begin at or after this second of the footage."""
    to_s: float | None = Field(default=None, ge=0)
    """They begin at or before this one; empty: up to the end."""
    tolerance_s: float = Field(default=0.0, ge=0, le=3600)
    """Both may be missed by so much."""
    count: int = Field(default=1, ge=0, le=MAX_FOUND)
    """How many."""
    tolerance: int = Field(default=0, ge=0, le=MAX_FOUND)
    """So many more or fewer will do."""
    detail: dict[str, Any] = Field(default_factory=dict, max_length=32)
    """Their detail has these values, and may have others."""

    @model_validator(mode="after")
    def _in_order(self) -> "Expected":
        if self.to_s is not None and self.to_s < self.from_s:
            raise ValueError("to_s lies before from_s")
        return self

    @property
    def last_s(self) -> float:
        """The latest second that will do."""
        return float("inf") if self.to_s is None else self.to_s + self.tolerance_s

    def takes(self, found: "Found") -> bool:
        """Whether ``found`` is one of these."""
        return (
            found.kind == self.kind
            and self.from_s - self.tolerance_s <= found.at_s <= self.last_s
            and all(found.event.detail.get(key) == value for key, value in self.detail.items())
        )


class Case(Settings):
    """One test: ``tests/NAME.toml``."""

    footage: str = Field(min_length=1, max_length=2048)
    """``sample`` (the sample clip), ``synthetic:`` (a rendered scene), or a file, relative to this one's folder."""
    from_s: float = Field(default=0.0, ge=0)
    """Where in the footage it begins."""
    seconds: float = Field(default=30.0, gt=0, le=86_400)
    """How much of it is played; less where it ends."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The service's settings."""
    event: tuple[Expected, ...] = Field(default=(), max_length=256)
    """What should come."""
    ignore: tuple[Slug, ...] = Field(default=(), max_length=32)
    """Kinds of event that may come or not."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event that came; ``at_s`` is the second of the footage at which it began."""

    kind: str
    at_s: float
    event: Event


@dataclass(frozen=True, slots=True)
class Missing:
    """An expectation that was not met, and how many came."""

    expected: Expected
    came: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What differs."""

    missing: Sequence[Missing] = field(default=())
    unexpected: Sequence[Found] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether nothing does."""
        return not self.missing and not self.unexpected


def read_cases(folder: Path, kinds: Sequence[str], only: str = "") -> dict[str, Case]:
    """The tests of the service in ``folder`` by name, or ``only`` one; raises ``INVALID``.

    Args:
        kinds: of event that the service may make; a test that names another is refused.
    """
    files = sorted((folder / TESTS_FOLDER).glob("*.toml"))
    if only:
        files = [file for file in files if file.stem == only]
    if not files:
        what = f"test '{only}'" if only else "test"
        raise invalid(f"There is no {what} in {folder / TESTS_FOLDER}.", "Write tests/NAME.toml: docs/guide/apps.md.")
    if len(files) > MAX_TESTS:
        raise invalid(f"There are more than {MAX_TESTS} tests in {folder / TESTS_FOLDER}.", "Have fewer.")
    cases = {file.stem: validate(Case, load_toml(file), f"{TESTS_FOLDER}/{file.name}") for file in files}
    for name, case in cases.items():
        other = sorted({*(one.kind for one in case.event), *case.ignore} - set(kinds))
        if other:
            raise invalid(
                f"{TESTS_FOLDER}/{name}.toml expects '{other[0]}', which is not in permissions.emit.",
                f"The service may emit: {', '.join(kinds) or 'nothing'}.",
            )
    return cases


def found_in(events: Sequence[Event], zero_wall_ns: int) -> list[Found]:
    """``events`` of one service by when they began; ``zero_wall_ns`` is the footage's beginning."""
    found = [
        Found(event.label.partition(".")[2], round(seconds(event.start_wall_ns - zero_wall_ns), 3), event)
        for event in events
    ]
    return sorted(found, key=lambda one: one.at_s)


def compare(case: Case, found: Sequence[Found]) -> Verdict:
    """Each event counts for one expectation: the one that has room and ends first. What is left is unexpected."""
    counts = [0] * len(case.event)
    unexpected: list[Found] = []
    for one in found:
        fitting = [place for place, expected in enumerate(case.event) if expected.takes(one)]
        fitting.sort(key=lambda place: (counts[place] >= case.event[place].count, case.event[place].last_s))
        for place in fitting:
            if counts[place] < case.event[place].count + case.event[place].tolerance:
                counts[place] += 1
                break
        else:
            if one.kind not in case.ignore:
                unexpected.append(one)
    missing = [
        Missing(expected, count)
        for expected, count in zip(case.event, counts, strict=True)
        if count < expected.count - expected.tolerance
    ]
    return Verdict(tuple(missing), tuple(unexpected))
