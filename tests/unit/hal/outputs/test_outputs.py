"""Every output keeps the contract: the same tests on each; then what GPIO lines add."""

import asyncio
import errno
import importlib.util
from pathlib import Path

import pytest

from eyespot.hal.outputs.contract import Output, OutputSettings
from eyespot.hal.outputs.gpiod import GpiodOutput, available
from eyespot.hal.outputs.pulse import Switch, pulse
from eyespot.hal.outputs.simulated import SimulatedOutput
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.fake_gpiod import FakeGpiod
from eyespot.testing.sim_clock import SimClock

CHIP = "/dev/gpiochip0"
HAS_BINDING = importlib.util.find_spec("gpiod") is not None


@pytest.fixture(params=["simulator", "gpiod", "gpiod low", "gpiod by name"])
def output(request: pytest.FixtureRequest) -> Output:
    match request.param:
        case "simulator":
            return SimulatedOutput("gate")
        case "gpiod":
            return GpiodOutput(OutputSettings("gate", CHIP, 3), FakeGpiod())
        case "gpiod low":
            return GpiodOutput(OutputSettings("gate", CHIP, 3, active_low=True), FakeGpiod())
        case _:
            return GpiodOutput(OutputSettings("gate", CHIP, "RELAY1"), FakeGpiod(lines={"RELAY1": 5}))


def switch_of(output: Output) -> Switch:
    async def switch(on: bool) -> None:
        output.switch(on=on)

    return switch


def test_switches_and_says_so(output: Output) -> None:
    assert output.name == "gate"
    assert output.state() is False
    for on in (True, True, False, True):
        output.switch(on=on)
        assert output.state() is on
    output.close()


def test_closing_is_final_and_may_be_repeated(output: Output) -> None:
    output.close()
    output.close()
    for action in (output.state, lambda: output.switch(on=True)):
        with pytest.raises(EyespotError) as caught:
            action()
        assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_pulse_ends(output: Output) -> None:
    clock = SimClock()
    task = asyncio.create_task(pulse(switch_of(output), clock, 2.0))
    await clock.advance(1.9)
    assert output.state() is True
    await clock.advance(0.2)
    await task
    assert output.state() is False


async def test_a_pulse_that_is_cancelled_ends_too(output: Output) -> None:
    clock = SimClock()
    task = asyncio.create_task(pulse(switch_of(output), clock, 600.0))
    await clock.advance(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert output.state() is False


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, float("nan"), float("inf")])
async def test_endless_pulses_are_refused(seconds: float) -> None:
    output = SimulatedOutput()
    with pytest.raises(EyespotError, match="may last"):
        await pulse(switch_of(output), SimClock(), seconds)
    assert list(output.history) == [False]


@pytest.mark.parametrize("active_low", [False, True])
@pytest.mark.parametrize("rest", [False, True])
def test_the_wire_rests_before_and_after(active_low: bool, rest: bool) -> None:
    chip = FakeGpiod()
    output = GpiodOutput(OutputSettings("lamp", CHIP, 2, active_low=active_low, rest=rest), chip)
    assert chip.volts[2] is (rest != active_low)
    output.switch(on=not rest)
    assert chip.volts[2] is (rest == active_low)
    output.close()
    assert chip.volts[2] is (rest != active_low)
    assert chip.held == set()


def test_a_line_has_one_holder() -> None:
    chip = FakeGpiod()
    first = GpiodOutput(OutputSettings("gate", CHIP, 1), chip)
    with pytest.raises(EyespotError, match="in use") as caught:
        GpiodOutput(OutputSettings("lamp", CHIP, 1), chip)
    assert caught.value.kind is Kind.CONFLICT
    first.close()
    GpiodOutput(OutputSettings("lamp", CHIP, 1), chip).close()


@pytest.mark.parametrize(
    ("chip", "line", "words"),
    [("/dev/gpiochip9", 1, "no GPIO chip"), (CHIP, 99, "has no line 99"), (CHIP, "DOOR", "has no line DOOR")],
)
def test_what_does_not_exist_is_said(chip: str, line: int | str, words: str) -> None:
    with pytest.raises(EyespotError, match=words) as caught:
        GpiodOutput(OutputSettings("gate", chip, line), FakeGpiod())
    assert caught.value.kind is Kind.INVALID


def test_a_chip_that_goes_away() -> None:
    chip = FakeGpiod()
    output = GpiodOutput(OutputSettings("gate", CHIP, 1), chip)
    chip.failure = errno.ENODEV
    for action in (output.state, lambda: output.switch(on=True)):
        with pytest.raises(EyespotError, match="does not answer") as caught:
            action()
        assert caught.value.kind is Kind.UNAVAILABLE
    output.close()
    assert chip.held == set()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "x" * 65}, {"line": -1}, {"line": 4096}, {"line": ""}])
def test_settings_are_checked(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(EyespotError) as caught:
        OutputSettings(**{"name": "gate", "chip": CHIP, "line": 1, **wrong})
    assert caught.value.kind is Kind.INVALID


@pytest.mark.skipif(HAS_BINDING, reason="libgpiod's binding is installed here")
def test_without_the_binding_it_says_how_to_get_it() -> None:
    with pytest.raises(EyespotError, match="pip install gpiod"):
        GpiodOutput(OutputSettings("gate", CHIP, 1))


@pytest.mark.skipif(not HAS_BINDING, reason="libgpiod's binding is not installed")
def test_the_real_binding_refuses_what_is_no_chip(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="no GPIO chip"):
        GpiodOutput(OutputSettings("gate", str(tmp_path / "gpiochip0"), 1))
    with pytest.raises(EyespotError, match="cannot be used"):
        GpiodOutput(OutputSettings("gate", "/dev/null", 1))


def test_available_needs_a_chip(tmp_path: Path) -> None:
    assert available(tmp_path) is False
    (tmp_path / "gpiochip0").touch()
    assert available(tmp_path) is HAS_BINDING
