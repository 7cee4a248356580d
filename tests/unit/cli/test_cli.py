"""The program as a person meets it: commands in the docs exist, errors are one message and an exit status."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "config" / "eyespot.toml"


def eyespot(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "eyespot.cli.main", *words], capture_output=True, text=True)


def test_version_is_quick_to_import() -> None:
    code = "import sys, eyespot.cli.main; print([m for m in ('numpy', 'av', 'fastapi', 'nats') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    assert eyespot("version").stdout.startswith("eyespot ")


def test_every_command_of_the_guide_exists() -> None:
    guide = (ROOT / "docs" / "guide" / "cli.md").read_text()
    commands = re.findall(r"^\| `eyespot ([a-z ]+)`", guide, re.MULTILINE)
    assert "camera run" in commands
    for command in commands:
        assert eyespot(*command.split(), "--help").returncode == 0, command


def test_config_commands_speak_of_the_sample() -> None:
    assert "in order" in eyespot("config", "check", str(SAMPLE)).stdout
    shown = eyespot("config", "show", str(SAMPLE)).stdout
    assert "password" not in shown
    assert json.loads(shown)["camera"][0]["detect"]["rate_hz"] == 5
    assert "properties" in json.loads(eyespot("config", "schema").stdout)


def test_a_mistake_is_one_message_and_exit_status_2(tmp_path: Path) -> None:
    broken = tmp_path / "c.toml"
    broken.write_text("[wb]\nport = 1\n")
    result = eyespot("config", "check", str(broken))
    assert result.returncode == 2
    assert "did you mean 'web'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("words", [("up", "--source", "/no/such/file"), ("demo", "--source", "/no/such/file")])
def test_a_missing_source_is_said_before_anything_starts(words: tuple[str, ...], tmp_path: Path) -> None:
    result = eyespot(*words, "--state", str(tmp_path / "s"))
    assert result.returncode == 2
    assert "There is no file /no/such/file" in result.stderr


def test_doctor_looks_at_everything_and_says_what_to_do(tmp_path: Path) -> None:
    result = eyespot("doctor", "--config", str(SAMPLE), "--state", str(tmp_path), "--json")
    document = json.loads(result.stdout)
    names = {check["name"] for check in document["checks"]}
    assert {"python", "nats-server", "accelerators", "models", "storage", "config", "clock"} <= names
    assert all(check["todo"] for check in document["checks"] if check["level"] in ("warning", "error"))
