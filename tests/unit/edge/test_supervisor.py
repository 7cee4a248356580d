"""The supervisor itself, with its real children: a bus port that is lost between its choice and the start."""

import asyncio
import socket
from pathlib import Path

import pytest

from eyespot.bus import server
from eyespot.edge.events.query import EventQuery
from eyespot.edge.events.store import EventStore
from eyespot.edge.supervisor import Supervisor
from eyespot.kernel.clock import SystemClock


async def test_a_bus_port_taken_before_the_start_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[web]\nport = 0\ntls = "off"\n')
    choose, chosen, stop = server.choose_port, list[int](), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as other:

        def choose_badly() -> int:
            chosen.append(other.getsockname()[1] if len(chosen) < 2 else choose())
            return chosen[-1]

        monkeypatch.setattr(server, "choose_port", choose_badly)
        supervisor = Supervisor(config, tmp_path / "state", SystemClock(), on_url=lambda _: stop.set())
        report = await supervisor.run(stop)
    assert len(chosen) == 3, "two that were taken, one that was free"
    assert str(report["url"]).startswith("http://127.0.0.1:")
    store = EventStore(tmp_path / "state" / "events.db")
    try:
        (event,) = store.find(EventQuery(kind="process"))[0]
    finally:
        store.close()
    assert (event.label, event.detail["exit"], event.detail["restarts"]) == ("nats", "status 1", 2)
    assert event.end_wall_ns is not None


def test_a_port_is_free_unless_somebody_listens_on_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not server.is_free(port)
    assert server.is_free(port)
