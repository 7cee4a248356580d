"""A config that cannot be used: one clear message, exit status 2, and nothing touched."""

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = '[web]\nport = 0\n[[camera]]\nid = "front"\n[[camera.stream]]\nsource = "synthetic:"\n'
MISTAKES = {
    "unknown key": (GOOD + "stal_s = 3\n", "did you mean 'stall_s'?"),
    "unknown table": (GOOD + "[retentoin]\ndays = 3\n", "did you mean 'retention'?"),
    "bad TOML": (GOOD + "[retention\n", "line 7"),
    "not text": (b"\xff\xfe\x00", "UTF-8"),
    "no stream": ('[[camera]]\nid = "front"\n', "camera.0.stream"),
    "wrong type": (GOOD.replace("port = 0", 'port = "x"'), "web.port"),
    "unknown stream": (GOOD.replace('"front"\n', '"front"\nrecord_stream = "big"\n'), "record_stream = 'big'"),
    "two of a name": (GOOD + GOOD.removeprefix("[web]\nport = 0\n"), "front"),
    "no file": (None, "There is no config file"),
}


def eyespot(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "eyespot.cli.main", *words], capture_output=True, text=True)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_bad_config_is_explained_and_changes_nothing(tmp_path: Path, mistake: str) -> None:
    content, expected = MISTAKES[mistake]
    config, state = tmp_path / "config.toml", tmp_path / "state"
    if content is not None:
        config.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = everything(tmp_path)
    checked = eyespot("config", "check", str(config))
    ran = eyespot("camera", "run", "--config", str(config), "--state", str(state), "--for", "30")
    for done in (checked, ran):
        assert done.returncode == 2, done.stderr
        assert done.stdout == ""
        assert expected in done.stderr
        assert str(config) in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count(str(config)) == 1, "one message"
    assert everything(tmp_path) == before
