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
    "no stream": ('[[camera]]\nid = "front"\n', "camera.0.stream: 'stream' must be given"),
    "wrong type": (GOOD.replace("port = 0", 'port = "x"'), "web.port: 'port' must be a whole number, not the text 'x'"),
    "out of range": (GOOD.replace("port = 0", "port = 99999"), "'port' must be from 0 to 65535, not 99999"),
    "no such choice": (GOOD.replace("[web]", '[web]\ntls = "on"'), "'tls' must be 'auto', 'off' or 'files'"),
    "empty": (GOOD.replace("synthetic:", ""), "'source' must not be empty"),
    "unknown stream": (GOOD.replace('"front"\n', '"front"\nrecord_stream = "big"\n'), "record_stream = 'big'"),
    "two of a name": (GOOD + GOOD.removeprefix("[web]\nport = 0\n"), "front"),
    "no file": (None, "There is no config file"),
}


def eyespot(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "eyespot.cli.main", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


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
        output, errors = done.communicate()
        assert done.returncode == 2, errors
        assert output == ""
        assert expected in errors
        assert "Traceback" not in errors
        assert "Input should" not in errors, "the words of a library"
        assert errors.count(str(config)) == 1, "one message, which names the file"
    assert everything(tmp_path) == before
