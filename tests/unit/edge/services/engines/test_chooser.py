"""Which engines there are, and what the doctor says of them."""

from pathlib import Path

import pytest

from eyespot.edge.doctor import examine
from eyespot.edge.services.engines import container, process
from eyespot.edge.services.engines.chooser import find_engine, known
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind


def test_an_engine_is_found_by_its_name(tmp_path: Path) -> None:
    engines = known(SystemClock(), tmp_path)
    assert [find_engine(engines, name).name for name in ("inline", "process", "container")] == [
        "inline", "process", "container",
    ]  # fmt: skip
    with pytest.raises(EyespotError) as caught:
        find_engine(engines, "vm")
    assert caught.value.kind is Kind.INVALID
    assert "process" in caught.value.todo


async def test_what_is_not_installed_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TOOLS", ("bwrap-that-is-not-here",))
    monkeypatch.setattr(container, "REAPER", ("reaper-that-is-not-here",))
    answers = {engine.name: await engine.available() for engine in known(SystemClock(), tmp_path)}
    assert answers["inline"].works
    assert not answers["process"].works
    assert "bwrap-that-is-not-here" in answers["process"].what
    assert "bubblewrap" in answers["process"].todo
    assert not answers["container"].works
    assert answers["container"].todo


async def test_a_bubblewrap_that_fails_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bwrap"
    tool.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setattr(process, "_PATH", f"{tmp_path}:/usr/bin:/bin")
    answer = await process.ProcessEngine(SystemClock()).available()
    assert not answer.works
    assert "No permissions" in answer.what
    assert "user namespaces" in answer.todo


def test_the_doctor_says_what_works_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TOOLS", ("bwrap-that-is-not-here",))
    findings = [finding for finding in examine(None, tmp_path) if finding.name == "services"]
    assert [finding.what.partition(":")[0] for finding in findings] == ["inline", "process", "container"]
    assert findings[1].level == "hint"
    assert "bubblewrap" in findings[1].todo
