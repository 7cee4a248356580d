"""The API process dies at any moment: accounts and sessions are still there, and nothing is set up again."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from eyespot.bus import server

CONFIG = """[web]
port = 0
[[camera]]
id = "front"
[[camera.stream]]
source = "rtsp://192.0.2.10/one"
"""
ACCOUNT = {"username": "owner", "password": "ripe plum under glass"}


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[None]:
    plan = server.prepare(tmp_path / "state" / "run")
    process = subprocess.Popen(plan.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def api(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The real process, and its address once it serves."""
    (folder / "eyespot.toml").write_text(CONFIG)
    url = folder / "state" / "run" / "api-url"
    url.unlink(missing_ok=True)
    arguments = ["-m", "eyespot.edge.api", "--config", str(folder / "eyespot.toml"), "--state", str(folder / "state")]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(60):
            while not url.exists():
                assert process.returncode is None, (await process.communicate())[1]
                await asyncio.sleep(0.05)
        yield process, url.read_text().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_killed_and_started_again(tmp_path: Path, bus: None) -> None:
    async with api(tmp_path) as (process, url), httpx.AsyncClient(base_url=f"{url}/api/v1") as client:
        token = (tmp_path / "state" / "run" / "setup-token").read_text().strip()
        answer = await client.post("/setup", json={"token": token, **ACCOUNT})
        assert answer.status_code == 200, answer.text
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    async with api(tmp_path) as (process, url), httpx.AsyncClient(base_url=f"{url}/api/v1", headers=cookie) as client:
        assert (await client.get("/setup")).json() == {"needed": False}
        assert (await client.get("/session")).json()["user"]["name"] == "owner"
        os.kill(process.pid, signal.SIGTERM)
        assert await process.wait() == 0
    assert not (tmp_path / "state" / "run" / "api-url").exists()
    assert not (tmp_path / "state" / "run" / "setup-token").exists()


async def test_a_config_that_cannot_be_served_says_why(tmp_path: Path, bus: None) -> None:
    text = CONFIG.replace("port = 0", 'tls = "files"\ncert = "nowhere.pem"\nkey = "nowhere.key"')
    (tmp_path / "eyespot.toml").write_text(text)
    arguments = ["--config", str(tmp_path / "eyespot.toml"), "--state", str(tmp_path / "state")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "eyespot.edge.api", *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"nowhere.pem" in said
    assert b"Traceback" not in said
