"""Toolchains' processes: steps are told, a failure names its step, a half-made environment does not stay."""

import sys
from pathlib import Path

import pytest

from eyespot.infer.zoo.compile import toolchain as module
from eyespot.infer.zoo.compile.targets import NPUS, TARGETS, find_target
from eyespot.infer.zoo.compile.toolchain import Toolchain, environment, is_installed, toolchain
from eyespot.kernel.errors import EyespotError, Kind


def run(code: str, limit_s: float = 60.0) -> tuple[str, list[str]]:
    said: list[str] = []
    tools = Toolchain("test", Path("/nowhere"))
    return tools.run("compiling", [sys.executable, "-c", code], said.append, limit_s), said


def test_steps_are_told_and_the_rest_is_returned() -> None:
    assert run("print('step one'); print('{}')") == ("{}\n", ["one"])


def test_a_failure_names_its_step_and_what_was_said() -> None:
    with pytest.raises(EyespotError, match="Compiling failed at step 'quantising': no such scale") as caught:
        run("import sys; print('step loading'); print('step quantising', flush=True); sys.exit('no such scale')")
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "/nowhere" in caught.value.todo


def test_a_stuck_tool_is_stopped() -> None:
    with pytest.raises(EyespotError, match=r"did not end within 0 s at step 'waiting'"):
        run("print('step waiting', flush=True); import time; time.sleep(60)", limit_s=0.4)


def test_a_missing_program_is_said() -> None:
    with pytest.raises(EyespotError, match="No such file"):
        Toolchain("test", Path("/nowhere")).run("compiling", ["/nowhere/bin/vela"], lambda _: None)


def test_what_cannot_be_installed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.TOOLCHAINS, "vela", (str(tmp_path / "absent.whl"),))
    said: list[str] = []
    with pytest.raises(EyespotError, match="Installing vela failed"):
        toolchain(tmp_path, "vela", said.append)
    assert not environment(tmp_path, "vela").exists()
    assert not is_installed(tmp_path, "vela")
    assert "own" in said[0]


def test_targets_have_their_names() -> None:
    assert find_target("litert") == "litert-int8"
    assert find_target("ethos-u85-256") in NPUS
    assert len(set(TARGETS)) == len(TARGETS)
    with pytest.raises(EyespotError, match="no target 'ethos-u99'"):
        find_target("ethos-u99")
