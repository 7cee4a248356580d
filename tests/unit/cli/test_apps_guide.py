"""docs/guide/apps.md: its commands are taken as they stand there, those that need no host are run, its test parses."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from eyespot.cli.app import app
from eyespot.contracts.service import read_manifest
from eyespot.edge.apps_dev.expectations import Case, read_cases
from eyespot.kernel.config import validate

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "apps.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
COMMANDS = [
    shlex.split(line.removeprefix("sudo "), comments=True)[2:]
    for kind, block in BLOCKS
    for line in block.splitlines()
    if not kind and line.removeprefix("sudo ").startswith("eyespot app ")
]


def test_each_command_is_one_that_there_is() -> None:
    group = typer.main.get_group(app)
    assert [words[0] for words in COMMANDS] == ["new", "run", "run", "test", "build", "install", "logs", "build"]
    for name, *words in COMMANDS:
        group.commands[name].make_context(name, words)


def test_from_nothing_to_an_installed_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state").mkdir()
    for words in COMMANDS:
        if words[0] in ("new", "build", "install") and "--oci" not in words:
            more = ["--state", "state"] if words[0] == "install" else []
            done = CliRunner().invoke(app, [*words, *more])
            assert done.exit_code == 0, (words, done.output, done.exception)
    assert "Installed door-light 0.1.0" in done.output
    emits = read_manifest(tmp_path / "door-light").permissions.emit
    assert list(read_cases(tmp_path / "door-light", emits)) == ["dark"]
    assert len((tmp_path / "door-light" / "app.py").read_text().splitlines()) <= 30


def test_the_test_that_it_shows_is_one() -> None:
    (shown,) = [block for kind, block in BLOCKS if kind == "toml"]
    assert validate(Case, tomllib.loads(shown), "apps.md").event[0].tolerance == 1
