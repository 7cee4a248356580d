"""Grants are read when they change, and what cannot be used changes nothing."""

import asyncio
from pathlib import Path

import pytest
from frames_rig import grant

from eyespot.contracts.frames_door import Grants
from eyespot.edge.frames.grants_file import follow_grants, read_grants
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.sim_clock import SimClock


def write(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def test_no_file_grants_nothing(tmp_path: Path) -> None:
    assert read_grants(tmp_path / "grants.json") == Grants()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "grants.json"),
        ('{"services": {"app": {"uid": -1, "socket": "s"}}}', "'uid' must be"),
        ('{"services": {"app": {"uid": 1, "socket": "s", "views": [{"name": "a"}]}}}', "needs a definite camera"),
        ('{"services": {"app": {"uid": 1, "socket": "s", "view": []}}}', "did you mean 'views'"),
        (
            '{"services": {"app": {"uid": 1, "socket": "s", "views": [{"name": "a", "camera": "c"}, '
            '{"name": "a", "camera": "d"}]}}}',
            "two views have one name",
        ),
        (" " * ((1 << 20) + 1), "larger than"),
    ],
)
def test_unfit_grants_are_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "grants.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EyespotError) as refused:
        read_grants(path)
    assert refused.value.kind is Kind.INVALID
    assert words in str(refused.value)


async def test_changes_are_followed_and_garbage_is_not(tmp_path: Path) -> None:
    path = tmp_path / "grants.json"
    seen: list[Grants] = []
    clock = SimClock()
    following = asyncio.create_task(follow_grants(path, clock, seen.append))
    some = Grants(services={"app": grant(tmp_path / "app.sock", {"name": "door"})})

    async def later(count: int) -> None:
        while len(seen) < count:
            await clock.advance(0.1)

    await later(1)
    write(path, some.model_dump_json())
    await later(2)
    write(path, "garbage")
    for _ in range(20):
        await clock.advance(0.1)
    write(path, Grants().model_dump_json())
    await later(3)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert seen == [Grants(), some, Grants()]
