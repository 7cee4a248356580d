"""A place for a service in a process of its own: a real bus server behind a Unix socket, its folders, its start."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client

from eyespot.bus.server import choose_port, find_server
from eyespot.kernel.config import inherited_env


class Host:
    """What a host gives to one service. ``heard`` is all that was said on the bus, by subject."""

    def __init__(self, folder: Path) -> None:
        self.run, self.scratch = folder / "run", folder / "scratch"
        self.run.mkdir()
        self.scratch.mkdir()
        self.port = choose_port()
        self.heard: list[tuple[str, Any]] = []
        self.client = Client()
        self.zones: list[dict[str, Any]] = []
        self.server = self._serve()

    def _serve(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([find_server(), "-a", "127.0.0.1", "-p", str(self.port)], stderr=subprocess.DEVNULL)

    async def join(self) -> None:
        async def note(message: Any) -> None:
            with contextlib.suppress(ValueError):
                self.heard.append((message.subject, json.loads(message.data)))

        async def quiet(_: Exception) -> None:
            return None

        self.client = await nats.connect(
            f"nats://127.0.0.1:{self.port}", max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=quiet
        )
        await self.client.subscribe("eyespot.service.>", cb=note)
        await self.client.flush()

    def restart(self) -> None:
        self.server.kill()
        self.server.wait()
        self.server = self._serve()

    def said(self, kind: str) -> list[Any]:
        return [document for subject, document in self.heard if subject.endswith(f".{kind}")]

    async def start(self, code: Path, name: str, target: str, **settings: Any) -> asyncio.subprocess.Process:
        """Start ``target``: ``module:Class`` for the SDK, or a command of several words."""
        told = {"v": 1, "name": name, "version": "1.0.0", "instance": "one", "cameras": ["yard"], "settings": settings}
        told["zones"] = self.zones
        (self.run / "service.json").write_text(json.dumps(told))
        env = {**inherited_env(), "EYESPOT_RUN": str(self.run), "EYESPOT_SCRATCH": str(self.scratch)}
        command = target.split() if " " in target else [sys.executable, "-m", "eyespot.sdk.run", target]
        return await asyncio.create_subprocess_exec(*command, cwd=code, env=env)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def hosting(folder: Path) -> AsyncIterator[Host]:
    """A host whose bus is reached at ``run/bus.sock`` without a key, as behind the relay."""
    host = Host(folder)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", host.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, to_writer), _pass_on(to_reader, writer))

    door = await asyncio.start_unix_server(relay, host.run / "bus.sock")
    try:
        await host.join()
        yield host
    finally:
        await host.client.close()
        door.close()
        host.server.kill()
        host.server.wait()


async def until(condition: Callable[[], object]) -> None:
    """Wait for ``condition``; it never happening is seen by the many looks, not by a clock."""
    for _ in range(12000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")
