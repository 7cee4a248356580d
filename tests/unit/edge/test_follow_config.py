"""A running process follows its config file, told or not, and outlives changes that cannot be used."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eyespot.bus import subjects
from eyespot.edge import process as edge_process
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.config_file import load_config
from eyespot.edge.config_restart import waiting_for_restart
from eyespot.edge.layout import StateLayout
from eyespot.edge.process import HostProcess, follow_config
from eyespot.kernel.clock import SystemClock
from eyespot.testing.memory_bus import MemoryBus


class Follower:
    """What was applied, and what fails to be."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"
        self.write("first")
        self.bus = MemoryBus()
        self.applied: list[str] = []
        self.failures_left = 0
        layout = StateLayout.of(folder / "state")
        self.process = HostProcess("media", self.path, layout, load_config(self.path), self.bus, SystemClock())

    def write(self, name: str) -> None:
        self.path.write_text(f'[host]\nname = "{name}"\n')

    async def apply(self, config: CameraHostConfig) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise RuntimeError("a defect")
        self.applied.append(config.host.name)

    async def tell(self) -> None:
        await self.bus.publish(subjects.config_changed(), b"")

    async def until_applied(self, *names: str) -> None:
        async with asyncio.timeout(30):
            while self.applied != list(names):  # noqa: ASYNC110 - a list gives no event
                await asyncio.sleep(0.01)


@pytest.fixture
async def follower(tmp_path: Path) -> AsyncIterator[Follower]:
    made = Follower(tmp_path)
    made.write("written between the start and the listening")
    task = asyncio.create_task(follow_config(made.process, made.apply))
    await made.until_applied("written between the start and the listening")
    made.applied.clear()
    yield made
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_change_is_applied_once_and_remembered(follower: Follower) -> None:
    follower.write("second")
    await follower.tell()
    await follower.until_applied("second")
    await follower.tell()
    follower.write("third")
    await follower.tell()
    await follower.until_applied("second", "third")
    assert follower.process.config.host.name == "third", "what reads the settings later sees the new ones"


async def test_what_cannot_be_used_changes_nothing_and_ends_nothing(follower: Follower) -> None:
    follower.path.write_text("[host\n")
    await follower.tell()
    follower.path.unlink()
    await follower.tell()
    follower.write("good again")
    await follower.tell()
    await follower.until_applied("good again")


async def test_a_lost_word_and_a_failed_change_are_made_good(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_process, "CONFIG_LOOK_S", 0.05)
    follower.failures_left = 2
    follower.write("second")
    await follower.tell()
    await follower.until_applied("second")
    follower.write("nobody says a word")
    await follower.until_applied("second", "nobody says a word")


def test_only_what_is_read_at_the_start_waits_for_a_restart() -> None:
    camera = {"id": "front", "stream": [{"source": "synthetic:"}]}
    before = CameraHostConfig.model_validate({"camera": [camera]})
    live = {"host": {"name": "x"}, "retention": {"event_days": 99}, "camera": [{**camera, "name": "Door"}]}
    assert waiting_for_restart(before, CameraHostConfig.model_validate(live)) == []
    late = {"web": {"port": 1, "tls": "off"}, "storage": {"root": [{"path": "x"}]}, "vision": {"lanes": 2}}
    after = CameraHostConfig.model_validate(late)
    assert waiting_for_restart(before, after) == ["web.port", "web.tls", "storage.root", "vision.lanes"]
