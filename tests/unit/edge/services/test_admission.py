"""Places on the bus: the server reloads for what changed, and for nothing else."""

import asyncio
from pathlib import Path

import pytest

from eyespot.bus import subjects
from eyespot.contracts.service import Manifest
from eyespot.contracts.service_access import ServiceUsers
from eyespot.edge.services.admission import Admission
from eyespot.edge.services.granted import Granted
from eyespot.edge.services.installed import Checked
from eyespot.edge.services.store import Row
from eyespot.kernel.errors import EyespotError
from eyespot.testing.memory_bus import MemoryBus


def checked(name: str, read: tuple[str, ...] = ()) -> Checked:
    manifest = Manifest.model_validate(
        {"service": {"name": name, "version": "1.0.0", "title": name, "command": ["true"]},
         "permissions": {"read": ["tracks", "events"]}}
    )  # fmt: skip
    granted = Granted.model_validate({"camera": "front", "read": read})
    return Checked(Row(name, "1.0.0", "0" * 64, granted=granted), manifest, Path("/"))


async def told_by(bus: MemoryBus) -> list[ServiceUsers]:
    told: list[ServiceUsers] = []

    async def take(request: bytes) -> bytes:
        await asyncio.sleep(0)  # others come meanwhile
        told.append(ServiceUsers.model_validate_json(request))
        return b"{}"

    await bus.serve(subjects.control("supervisor"), take)
    return told


async def test_a_place_is_kept_while_what_it_may_do_is_the_same() -> None:
    bus = MemoryBus()
    told, admission = await told_by(bus), Admission(bus)
    first = await admission.admit(checked("counter"))
    assert await admission.admit(checked("counter")) == first
    assert len(told) == 1, "a service that was started again costs no reload"
    assert (await admission.admit(checked("counter", ("tracks",)))).public_key != first.public_key
    assert [user.read for user in told[-1].users] == [("tracks",)]
    admission.forget("counter")
    await admission.admit(checked("other"))
    assert [user.name for user in told[-1].users] == ["other"]


async def test_those_who_come_together_are_told_together() -> None:
    bus = MemoryBus()
    told, admission = await told_by(bus), Admission(bus)
    places = await asyncio.gather(*(admission.admit(checked(f"s{number}")) for number in range(10)))
    assert len({place.public_key for place in places}) == 10
    assert len(told) <= 2
    assert {user.public_key for user in told[-1].users} == {place.public_key for place in places}


async def test_a_place_that_was_not_told_is_not_given_again() -> None:
    bus = MemoryBus()
    admission = Admission(bus)
    with pytest.raises(EyespotError):
        await admission.admit(checked("counter"))
    told = await told_by(bus)
    await admission.admit(checked("counter"))
    assert len(told) == 1
