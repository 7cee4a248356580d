"""The hostile app on a whole host: what it tries is refused by everything that may refuse, and its owner is told."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eyespot.cli.services import app
from eyespot.edge.services.engines.notification import kernel_notifies
from eyespot.edge.services.log_file import LogFile

from .service_host import Host

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
    pytest.mark.skipif(not kernel_notifies(), reason="this kernel's filters notify nobody: Linux 5.0"),
]
EXAMPLE = Path(__file__).parents[2] / "examples" / "hostile-app"
VIEW = '\n[[view]]\nname = "door"\ncamera = "*"\nform = "metadata"\nrate_hz = 1.0\n'


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    made.stop()


def test_what_is_refused_is_told_to_its_owner(host: Host, tmp_path: Path) -> None:
    host.until(lambda: host.recorded_bytes() or None)
    source = shutil.copytree(EXAMPLE, tmp_path / "hostile-app", ignore=shutil.ignore_patterns("__pycache__"))
    with (source / "service.toml").open("a") as manifest:
        manifest.write(VIEW)
    host.installed.install(source, "front")

    def refused_by_all() -> dict[str, int] | None:
        found = host.status().get("hostile-app", {})
        counts = {part: found.get(part, {}).get("refused", 0) for part in ("kernel", "network", "bus", "frames")}
        return counts if min(counts.values()) >= 3 else None

    host.until(refused_by_all)
    kernel = host.status()["hostile-app"]["kernel"]
    assert kernel["by_call"].keys() >= {"socket(AF_INET)", "ptrace", "mount", "keyctl", "bpf", "clone(a namespace)"}
    said = CliRunner().invoke(app, ["show", "hostile-app", "--state", str(host.state)]).stdout
    for words in ("Refused by the kernel: socket(AF_INET)", "Frames; refused: ", "Bus: ", "Network: 0 connections"):
        assert words in said
    log = "\n".join(LogFile(host.layout.service_logs_dir, "hostile-app").lines(400))
    assert "-- refused by the kernel: ptrace" in log
    assert [line for line in log.splitlines() if '"worked": true' in line] == []
