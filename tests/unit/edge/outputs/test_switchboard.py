"""The outputs of a host: as configured, pulsed by events within bounds, at rest at the end, mended after a failure."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from eyespot.contracts.output import OutputReport, OutputsReport
from eyespot.edge.outputs.settings import HostOutput
from eyespot.edge.outputs.switchboard import AGAIN_S, Switchboard
from eyespot.edge.outputs.triggers import Ask
from eyespot.hal.outputs.chooser import OutputKind
from eyespot.hal.outputs.contract import Output, OutputSettings
from eyespot.hal.outputs.gpiod import GpiodOutput
from eyespot.hal.outputs.simulated import SimulatedOutput
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.fake_gpiod import FakeGpiod
from eyespot.testing.sim_clock import SimClock

LAMP = HostOutput(name="lamp", kind="simulated", pulse_s=2.0, pause_s=3.0)


class AtOnce(Executor):
    """Calls in the caller's own thread, so that simulated time can be used."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except EyespotError as error:
            future.set_exception(error)
        return future


class Rig:
    """A switchboard over simulated wires, kept after they are closed."""

    def __init__(self) -> None:
        self.clock = SimClock()
        self.wires: dict[str, SimulatedOutput] = {}
        self.refuse: EyespotError | None = None
        self.board = Switchboard(self.clock, self.open, AtOnce())

    def open(self, kind: OutputKind, settings: OutputSettings) -> Output:
        if self.refuse:
            raise self.refuse
        wire = self.wires[settings.name] = SimulatedOutput(settings.name, rest=settings.rest)
        return wire

    def report(self, name: str = "lamp") -> OutputReport:
        return next(one for one in self.board.reports() if one.name == name)

    async def say(self, **request: Any) -> OutputsReport:
        return OutputsReport.model_validate_json(await self.board.answer(json.dumps(request).encode()))

    def event(self, seconds: float | None = None) -> None:
        self.board.ask(Ask("lamp", seconds, "a test"))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    await made.board.apply((LAMP,))
    yield made
    await made.board.close()


async def test_a_person_switches_and_everybody_sees_it(rig: Rig) -> None:
    for on in (True, False, True):
        report = await rig.say(do="set", name="lamp", on=on, by="owner")
        assert [one.on for one in report.outputs] == [on]
    assert list(rig.wires["lamp"].history) == [False, True, False, True]


async def test_an_event_pulses_for_as_long_as_it_says_or_the_output_does(rig: Rig) -> None:
    for asked_s, length_s in ((None, 2.0), (0.5, 0.5)):
        rig.event(asked_s)
        await rig.clock.advance(length_s - 0.1)
        assert rig.report().on
        assert rig.report().pulsing
        await rig.clock.advance(0.2)
        assert rig.report().on is False
        assert not rig.report().pulsing
        await rig.clock.advance(LAMP.pause_s)
    assert rig.report().pulses == 2


async def test_a_storm_of_events_gives_one_pulse_and_then_a_pause(rig: Rig) -> None:
    for _ in range(1000):
        rig.event()
    await rig.clock.advance(2.1)
    for _ in range(1000):
        rig.event()
    await rig.clock.advance(0.1)
    assert list(rig.wires["lamp"].history) == [False, True, False]
    assert (rig.report().pulses, rig.report().skipped) == (1, 1999)
    await rig.clock.advance(LAMP.pause_s)
    rig.event()
    await rig.clock.advance(0.1)
    assert rig.report().on, "after the pause the next event counts"


async def test_what_a_person_switched_on_no_event_switches_off(rig: Rig) -> None:
    await rig.say(do="set", name="lamp", on=True)
    rig.event()
    await rig.clock.advance(10)
    assert rig.report().on
    assert rig.report().skipped == 1


async def test_a_person_ends_a_pulse(rig: Rig) -> None:
    await rig.say(do="pulse", name="lamp", seconds=600)
    await rig.clock.advance(1)
    assert rig.report().pulsing
    await rig.say(do="set", name="lamp", on=False)
    assert not rig.report().pulsing
    await rig.clock.advance(700)
    assert rig.wires["lamp"].state() is False


async def test_a_second_pulse_of_a_person_is_refused_while_one_runs(rig: Rig) -> None:
    await rig.say(do="pulse", name="lamp")
    with pytest.raises(EyespotError, match="pulsing already") as caught:
        await rig.say(do="pulse", name="lamp")
    assert caught.value.kind is Kind.CONFLICT


async def test_an_output_that_rests_on_is_pulsed_off() -> None:
    rig = Rig()
    await rig.board.apply((LAMP.model_copy(update={"rest": True}),))
    rig.event()
    await rig.clock.advance(3)
    assert list(rig.wires["lamp"].history) == [True, False, True]
    await rig.board.close()


async def test_everything_rests_at_the_end_also_in_the_middle_of_a_pulse(rig: Rig) -> None:
    rig.event()
    await rig.clock.advance(0.5)
    assert rig.wires["lamp"].history[-1] is True
    await rig.board.close()
    assert rig.wires["lamp"].history[-1] is False
    with pytest.raises(EyespotError, match="There is no output 'lamp'"):
        await rig.say(do="set", name="lamp", on=True)


async def test_only_what_changed_in_the_config_is_touched(rig: Rig) -> None:
    bell = HostOutput(name="bell", kind="simulated")
    await rig.say(do="set", name="lamp", on=True)
    lamp = rig.wires["lamp"]
    await rig.board.apply((bell, LAMP))
    assert [one.name for one in rig.board.reports()] == ["bell", "lamp"]
    assert rig.wires["lamp"] is lamp
    assert rig.report().on, "it stays as it was switched"
    await rig.board.apply((bell, LAMP.model_copy(update={"pulse_s": 9.0})))
    assert lamp.history[-1] is False, "the old one went to rest"
    assert rig.wires["lamp"] is not lamp


async def test_a_wire_that_is_gone_is_told_and_taken_again(rig: Rig) -> None:
    lamp = rig.wires["lamp"]
    lamp.is_gone = True
    with pytest.raises(EyespotError, match="does not answer"):
        await rig.say(do="set", name="lamp", on=True)
    assert rig.report().on is None
    assert "output lamp" in rig.board.errors()
    with pytest.raises(EyespotError, match="cannot be switched"):
        await rig.say(do="pulse", name="lamp")
    rig.event()
    assert rig.report().skipped == 1
    await mended(rig)
    assert rig.board.errors() == {}
    await rig.say(do="set", name="lamp", on=True)
    assert rig.wires["lamp"] is not lamp
    assert rig.wires["lamp"].state() is True


async def mended(rig: Rig) -> None:
    task = asyncio.create_task(rig.board.mend())
    await rig.clock.advance(AGAIN_S + 1)
    task.cancel()


@pytest.mark.parametrize("why", ["There is no GPIO chip", "in use by another program"])
async def test_an_output_that_cannot_be_opened_costs_nothing_but_itself(why: str) -> None:
    rig = Rig()
    rig.refuse = EyespotError(Kind.CONFLICT, f"{why}.", "Do this.")
    await rig.board.apply((LAMP,))
    assert rig.report().error == f"{why}. Do this."
    rig.refuse = None
    await mended(rig)
    assert rig.report().on is False
    await rig.board.close()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"do": "explode"}',
        b'{"do": "pulse", "name": "lamp", "seconds": -1}',
        b'{"do": "pulse", "name": "lamp", "seconds": 1e9}',
        b'{"do": "pulse", "name": "lamp", "seconds": NaN}',
        b'{"do": "set", "name": "lamp"}',
        b'{"do": "set", "name": "%s", "on": true}' % (b"x" * 65),
        b'{"do": "list", "by": "%s"}' % (b"x" * 101),
    ],
)
async def test_hostile_requests_switch_nothing(rig: Rig, payload: bytes) -> None:
    with pytest.raises(EyespotError) as caught:
        await rig.board.answer(payload)
    assert caught.value.kind is Kind.INVALID
    assert list(rig.wires["lamp"].history) == [False]


async def test_an_unknown_output_is_named_with_the_known_ones(rig: Rig) -> None:
    with pytest.raises(EyespotError, match="There are: lamp") as caught:
        await rig.say(do="set", name="siren", on=True)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_a_gpio_line_at_a_restart_after_a_crash_goes_to_rest() -> None:
    """A process that was killed leaves its wire as it was; the next one asks for it at rest, before anything else."""
    chip = FakeGpiod()
    settings = HostOutput(name="lamp", line=3)
    dead = GpiodOutput(settings.wire, chip)
    dead.switch(on=True)
    chip.held.clear()  # the kernel takes the line back from a dead process, and leaves the voltage
    assert chip.volts[3] is True
    board = Switchboard(SimClock(), lambda _, wire: GpiodOutput(wire, chip), AtOnce())
    await board.apply((settings,))
    assert chip.volts[3] is False
    await board.close()


async def test_drivers_are_called_in_one_thread_of_their_own() -> None:
    threads: set[str] = set()

    def open_here(kind: OutputKind, settings: OutputSettings) -> Output:
        threads.add(threading.current_thread().name)
        return SimulatedOutput(settings.name)

    board = Switchboard(SimClock(), open_here)
    await board.apply((LAMP, HostOutput(name="bell", kind="simulated")))
    await board.close()
    assert len(threads) == 1
    assert threads != {threading.current_thread().name}
