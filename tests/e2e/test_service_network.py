"""What a confined service sends out of the camera: what was granted, through the proxy, for its owner to see."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eyespot.cli.services import app

from .service_host import Host, logs

pytestmark = pytest.mark.slow
COURIER = Path(__file__).parent / "services" / "courier"
NO_PODMAN = os.geteuid() != 0 or shutil.which("podman") is None


class Outside:
    """A server that answers GET, and holds every other connection until its other end goes."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.held, self.gone = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                if peer.recv(65_536).startswith(b"GET "):
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
                    continue
                self.held.set()
                while peer.recv(65_536):
                    pass
                self.gone.set()


@pytest.fixture
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.listener.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    made.stop()


def courier(folder: Path, port: int, kind: str) -> Path:
    shutil.copytree(COURIER, folder)
    for file in folder.iterdir():
        text = file.read_text().replace('PORT = int("PORT")', f"PORT = {port}").replace(":PORT", f":{port}")
        file.write_text(text.replace("[service]\n", f'[service]\nhost = "{kind}"\n'))
    return folder


def network(host: Host) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["network", "courier", "--state", str(host.state), "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("process", marks=pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here")),
        pytest.param("container", marks=pytest.mark.skipif(NO_PODMAN, reason="containers need root and podman")),
    ],
)
def test_a_service_reaches_what_was_granted_alone_and_its_owner_sees_it(
    kind: str, host: Host, outside: Outside, tmp_path: Path
) -> None:
    host.installed.install(courier(tmp_path / "courier", outside.port, kind), "front")
    here = f"127.0.0.1:{outside.port}"
    host.until(lambda: outside.held.is_set() or None)
    said = host.until(lambda: (lines := logs(host, "courier")) and "holding" in lines and lines)
    assert "http hello" in said
    assert int(next(line for line in said if line.startswith("authorities")).split()[1]) > 10, "TLS can be checked"
    assert [line.split()[-1] for line in said if line.startswith("refused")] == ["FORBIDDEN"] * 4
    assert any(line.startswith("without the proxy: ") for line in said)

    host.until(lambda: len(network(host)["connections"]) == 6 or None)
    made = network(host)["connections"]
    first, name, *others, held = made
    assert (first["host"], first["outcome"], first["received_bytes"] > 5) == ("127.0.0.1", "ended", True)
    assert "this machine's own" in name["why"], "a granted name leads to no address of the machine"
    assert [(one["host"], one["outcome"]) for one in others] == [
        ("127.0.0.1", "refused"), ("169.254.169.254", "refused"), ("example.org", "refused"),
    ]  # fmt: skip
    assert (held["outcome"], held["address"]) == ("open", "127.0.0.1")
    host.until(lambda: host.status()["courier"]["network"]["refused"] == 4 or None)

    done = CliRunner().invoke(app, ["show", "courier", "--state", str(host.state)])
    assert "refused: 4" in done.output

    assert not outside.gone.is_set()
    revoked = CliRunner().invoke(app, ["revoke", "courier", "--network", here, "--state", str(host.state)])
    assert revoked.exit_code == 0, revoked.output
    assert network(host)["granted"] == [f"localhost:{outside.port}"]
    host.until(lambda: outside.gone.is_set() or None)
    host.until(lambda: [one for one in network(host)["connections"] if one["outcome"] == "closed"] or None)
    host.until(lambda: network(host)["connections"][-1]["why"] == f"{here} is not granted." or None)
    done = CliRunner().invoke(app, ["show", "courier", "--state", str(host.state)])
    assert "asked for" not in done.output
    assert f"{here}: refused: {here} is not granted." in done.output
