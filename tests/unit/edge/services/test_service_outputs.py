"""Outputs switched by services: only what each was granted, not too often, and every switch is told."""

import json

import pytest

from eyespot.bus import subjects
from eyespot.contracts.event import Event
from eyespot.contracts.output import OutputReport
from eyespot.edge.outputs.settings import HostOutput
from eyespot.edge.outputs.switchboard import Switchboard
from eyespot.edge.services.service_outputs import ServiceOutputs
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.sim_clock import SimClock

GRANTED = {"guard": ("siren", "missing"), "idle": ()}


class Stand:
    """Services and a switchboard on one bus."""

    def __init__(self) -> None:
        self.bus, self.clock, self.events = MemoryBus(), SimClock(), list[Event]()
        self.switchboard = Switchboard(self.clock)
        self.outputs = ServiceOutputs(self.bus, GRANTED.get, self.clock, self.events.append)

    async def open(self) -> None:
        await self.switchboard.apply((HostOutput(name="siren", kind="simulated"),))
        await self.bus.serve(subjects.control("media"), self.switchboard.answer)
        await self.outputs.open()

    async def ask(self, service: str, output: str, **command: object) -> OutputReport:
        answer = await self.bus.request(subjects.service_output(service, output), json.dumps(command).encode())
        return OutputReport.model_validate_json(answer)


@pytest.fixture
async def stand() -> Stand:
    made = Stand()
    await made.open()
    return made


async def test_a_granted_output_is_switched_and_told(stand: Stand) -> None:
    assert (await stand.ask("guard", "siren", do="on")).on
    assert not (await stand.ask("guard", "siren", do="off")).on
    (on, off) = stand.events
    assert (on.kind, on.label, on.camera) == ("service", "guard.output", "host")
    assert (on.detail, off.detail) == ({"output": "siren", "do": "on"}, {"output": "siren", "do": "off"})
    assert stand.outputs.of("guard")["outputs"]["switched"] == 2


@pytest.mark.parametrize(
    ("service", "output", "command", "kind"),
    [
        ("idle", "siren", {"do": "on"}, Kind.FORBIDDEN),
        ("guard", "other", {"do": "on"}, Kind.FORBIDDEN),
        ("stranger", "siren", {"do": "on"}, Kind.NOT_FOUND),
        ("guard", "missing", {"do": "on"}, Kind.NOT_FOUND),
        ("guard", "siren", {"do": "set"}, Kind.INVALID),
        ("guard", "siren", {"do": "pulse", "seconds": 1e9}, Kind.INVALID),
        ("guard", "siren", {"do": "on", "by": "admin"}, Kind.INVALID),
    ],
)
async def test_everything_else_is_refused_and_nothing_is_switched(
    stand: Stand, service: str, output: str, command: dict[str, object], kind: Kind
) -> None:
    with pytest.raises(EyespotError) as raised:
        await stand.ask(service, output, **command)
    assert raised.value.kind is kind
    assert stand.events == []
    assert not stand.switchboard.reports()[0].on
    assert stand.outputs.of(service)["outputs"]["refused"] == (service != "stranger")


async def test_relays_are_spared(stand: Stand) -> None:
    for number in range(4):
        await stand.ask("guard", "siren", do="on" if number % 2 else "off")
    with pytest.raises(EyespotError, match="more than 1 a second"):
        await stand.ask("guard", "siren", do="off")
    await stand.clock.advance(1.0)
    await stand.ask("guard", "siren", do="off")
    assert stand.outputs.of("guard")["outputs"] == {
        "switched": 5, "refused": 1, "refusals": ["guard switches more than 1 a second. Wait 1.0 s."]
    }  # fmt: skip
