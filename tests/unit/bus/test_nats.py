"""What only the real server can show: keys, permissions, reconnecting, files."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.bus import subjects
from eyespot.bus.nats import connect
from eyespot.bus.server import ServerPlan, prepare
from eyespot.kernel.errors import EyespotError, Kind


def start(plan: ServerPlan) -> subprocess.Popen[bytes]:
    return subprocess.Popen(plan.command)


@pytest.fixture
def plan(tmp_path: Path) -> ServerPlan:
    return prepare(tmp_path)


@pytest.fixture
def server(plan: ServerPlan) -> Iterator[list[subprocess.Popen[bytes]]]:
    running = [start(plan)]
    yield running
    running[-1].kill()
    running[-1].wait()


def test_keys_are_private_and_new_each_time(tmp_path: Path) -> None:
    prepare(tmp_path)
    seeds = {role: (tmp_path / f"{role}.nkey").read_text() for role in subjects.ROLES}
    assert len(set(seeds.values())) == len(subjects.ROLES)
    assert all((tmp_path / f"{role}.nkey").stat().st_mode & 0o777 == 0o600 for role in subjects.ROLES)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    prepare(tmp_path)
    assert seeds["api"] != (tmp_path / "api.nkey").read_text()


@pytest.mark.usefixtures("server")
async def test_a_role_cannot_speak_for_another(tmp_path: Path) -> None:
    api, vision = await connect(tmp_path, "api"), await connect(tmp_path, "vision")
    heard = api.subscribe(subjects.events(subjects.EVERY))
    await heard.ready()
    await api.publish(subjects.events("front"), b"forged")
    await vision.publish(subjects.events("front"), b"real")
    assert (await anext(heard)).data == b"real"
    await api.close()
    await vision.close()


@pytest.mark.usefixtures("server")
async def test_the_media_process_hears_that_the_finder_of_events_is_alive(tmp_path: Path) -> None:
    media, vision = await connect(tmp_path, "media"), await connect(tmp_path, "vision")
    heard = media.subscribe(subjects.status("vision"))
    await heard.ready()
    await vision.publish(subjects.status("vision"), b"alive")
    assert (await asyncio.wait_for(anext(heard), 20)).data == b"alive"
    await media.close()
    await vision.close()


@pytest.mark.usefixtures("server")
async def test_a_stranger_is_refused(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    strange = tmp_path_factory.mktemp("strange")
    prepare(strange)
    (strange / "bus.json").write_text((tmp_path / "bus.json").read_text())
    with pytest.raises(EyespotError) as raised:
        await connect(strange, "api", wait_s=1.5)
    assert raised.value.kind is Kind.UNAVAILABLE


async def test_a_connection_survives_the_death_of_the_server(
    tmp_path: Path, plan: ServerPlan, server: list[subprocess.Popen[bytes]]
) -> None:
    api, vision = await connect(tmp_path, "api"), await connect(tmp_path, "vision")
    heard = api.subscribe(subjects.tracks("front"))
    await heard.ready()
    server[0].kill()
    server[0].wait()
    server.append(start(plan))

    async def keep_publishing() -> None:
        while True:
            await vision.publish(subjects.tracks("front"), b"after")
            await asyncio.sleep(0.05)

    task = asyncio.create_task(keep_publishing())
    assert (await anext(heard)).data == b"after"
    task.cancel()
    await api.close()
    await vision.close()


def test_subjects_refuse_what_is_not_a_name() -> None:
    for bad in ("a.b", ">", "", "A", "a b", "x" * 65):
        with pytest.raises(EyespotError) as raised:
            subjects.tracks(bad)
        assert raised.value.kind is Kind.INVALID
    with pytest.raises(EyespotError):
        subjects.status("nobody")
    assert subjects.last_part(subjects.tracks("front")) == "front"
