"""`eyespot app install`: nothing is installed before its owner agreed to what it may do."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eyespot.cli.app import app
from eyespot.edge.apps_dev.package import build
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.log_file import LogFile
from eyespot.edge.services.store import Row, ServiceStore


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def install(state: Path, *words: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["install", *words, "--camera", "yard", "--state", str(state)], input=answer)


def rows(state: Path) -> list[Row]:
    store = ServiceStore(StateLayout.of(state).services_db)
    try:
        return store.rows()
    finally:
        store.close()


def test_its_powers_are_shown_and_the_owner_is_asked(state: Path, tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    refused = install(state, str(folder), answer="n\n")
    assert (refused.exit_code, rows(state)) == (1, [])
    assert "Of camera yard: the whole picture, 64 × 36 pixels, 2 times a second." in refused.output
    assert "Events 'fresh.dark', which are kept and shown here." in refused.output
    agreed = install(state, str(folder), answer="y\n")
    assert agreed.exit_code == 0, agreed.output
    (row,) = rows(state)
    assert (row.name, row.granted.camera, row.granted.views) == ("fresh", "yard", ("scene",))


def test_a_package_is_installed_without_a_question_where_that_is_said(state: Path, tmp_path: Path) -> None:
    package = build(scaffold("fresh", tmp_path), tmp_path)
    said = install(state, str(package.path), "--yes")
    assert said.exit_code == 0, said.output
    assert f"sha256 {package.digest}" in said.output
    assert [row.name for row in rows(state)] == ["fresh"]


def test_logs_are_of_what_is_installed_whether_it_runs_or_not(state: Path, tmp_path: Path) -> None:
    words = ["logs", "fresh", "--state", str(state)]
    assert "No service 'fresh' is installed." in str(CliRunner().invoke(app, words).exception)
    install(state, str(scaffold("fresh", tmp_path)), "--yes")
    assert CliRunner().invoke(app, words).output == ""
    LogFile(StateLayout(state).service_logs_dir, "fresh").write(["hello"], 0)
    assert CliRunner().invoke(app, words).output == "1970-01-01T00:00:00Z hello\n"
