"""Who is stuck is found from who is silent, and nobody is blamed for the silence of another."""

from eyespot.edge.watchdog import ASLEEP_S, BUS_SILENT_S, SILENT_S, Watchdog
from eyespot.testing.sim_clock import SimClock

RUNNING = {"nats": 1, "media": 2, "vision": 3, "api": 4}


class Rig:
    """Two-second reports of everyone who speaks."""

    def __init__(self) -> None:
        self.clock = SimClock()
        self.dog = Watchdog(self.clock)
        self.running = dict(RUNNING)
        self.dog.stuck(self.running)

    async def go(self, for_s: float, *, silent: tuple[str, ...] = ()) -> dict[str, float]:
        """Let time pass; who was found stuck meanwhile, and after how long a silence."""
        found: dict[str, float] = {}
        for _ in range(round(for_s / 2)):
            await self.clock.advance(2)
            for role, pid in {**self.running, "supervisor": 0}.items():
                if role != "nats" and role not in silent and "nats" not in silent:
                    self.dog.heard(role, pid)
            for role, silent_s in self.dog.stuck(self.running).items():
                assert role not in found, "told once"
                found[role] = silent_s
        return found


async def test_one_that_falls_silent_is_stuck_and_no_other() -> None:
    rig = Rig()
    assert await rig.go(100) == {}
    assert await rig.go(SILENT_S, silent=("media",)) == {}
    found = await rig.go(4, silent=("media",))
    assert set(found) == {"media"}
    assert SILENT_S < found["media"] <= SILENT_S + 4


async def test_one_that_was_started_again_has_time_until_its_first_report() -> None:
    rig = Rig()
    await rig.go(10)
    rig.running["media"] = 20
    assert await rig.go(10 * SILENT_S, silent=("media",)) == {}, "recovery of a large archive may take its time"
    assert await rig.go(4) == {}
    assert set(await rig.go(SILENT_S + 4, silent=("media",))) == {"media"}


async def test_a_stuck_bus_is_blamed_alone() -> None:
    rig = Rig()
    await rig.go(10)
    assert set(await rig.go(BUS_SILENT_S + 2, silent=("nats",))) == {"nats"}
    del rig.running["nats"]
    assert await rig.go(4, silent=("nats",)) == {}
    rig.running["nats"] = 10
    assert await rig.go(12, silent=("nats",)) == {}, "the others need a moment to come back"
    assert await rig.go(100) == {}
    rig.running["nats"] = 11
    assert set(await rig.go(SILENT_S + 6, silent=("vision",))) == {"vision"}


async def test_a_bus_that_never_answers_is_stuck_too() -> None:
    rig = Rig()
    assert set(await rig.go(BUS_SILENT_S + 2, silent=("nats",))) == {"nats"}


async def test_a_machine_that_stood_still_blames_nobody() -> None:
    rig = Rig()
    await rig.go(10)
    await rig.clock.advance(3600)
    assert rig.dog.stuck(rig.running) == {}
    assert await rig.go(20, silent=("vision",)) == {}
    assert await rig.go(100) == {}
    await rig.clock.advance(ASLEEP_S - 1)
    assert rig.dog.stuck(rig.running) == {}
