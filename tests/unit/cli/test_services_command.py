"""`eyespot services` on a state folder, without a running host."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eyespot.cli.services import app
from eyespot.kernel.errors import EyespotError

MANIFEST = """
[service]
name = "counter"
version = "1.0.0"
title = "Counter"
command = ["python3", "main.py"]
[permissions]
emit = ["count"]
[config]
type = "object"
[config.properties.limit]
type = "integer"
default = 3
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "counter").mkdir()
    (tmp_path / "counter" / "service.toml").write_text(MANIFEST)
    return tmp_path / "state"


def run(state: Path, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--state", str(state)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def shown(state: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(state, "show", "counter", "--json"))
    return found


def test_a_service_is_installed_configured_stopped_and_removed(state: Path) -> None:
    assert "install builtin:occupancy" in run(state, "list")
    said = run(state, "install", str(state.parent / "counter"), "--camera", "yard")
    assert "Installed counter 1.0.0." in said
    assert "Events 'counter.count'" in said
    assert shown(state)["settings"] == {"limit": 3}
    run(state, "config", "counter", '{"limit": 5}')
    assert shown(state)["settings"] == {"limit": 5}
    assert "It can send:\n  Nothing." in run(state, "revoke", "counter", "--emit", "count")
    assert "Events 'counter.count'" in run(state, "grant", "counter", "--emit", "count")
    assert "It can send:\n  Nothing." in run(state, "revoke", "counter", "--all")
    run(state, "disable", "counter")
    assert shown(state)["enabled"] is False
    run(state, "enable", "counter")
    assert json.loads(run(state, "list", "--json"))[0]["enabled"] is True
    run(state, "remove", "counter")
    assert {one["state"] for one in json.loads(run(state, "list", "--json"))} == {"built-in"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["config", "counter", "{"], "not JSON"),
        (["config", "counter", "[]"], "not a JSON object"),
        (["config", "counter", '{"limt": 5}'], "did you mean 'limit'"),
        (["grant", "counter", "--read", "tracks"], "not asked for"),
        (["revoke", "counter", "--view", "door"], "is not granted"),
        (["remove", "nobody"], "No service 'nobody'"),
        (["install", "nowhere"], r"no service\.toml"),
        (["logs", "nobody"], "No service 'nobody'"),
    ],
)
def test_mistakes_are_told(state: Path, words: list[str], why: str) -> None:
    run(state, "install", str(state.parent / "counter"))
    with pytest.raises(EyespotError, match=why):
        run(state, *words)


def test_a_state_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="no state folder"):
        run(tmp_path / "gone", "list")
    assert not (tmp_path / "gone").exists()
