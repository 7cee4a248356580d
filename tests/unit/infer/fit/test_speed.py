"""Windows of runs: counted, waited for, failures told."""

import threading

import pytest

from eyespot.infer.fit.speed import measure
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind


def test_runs_of_all_threads_are_counted() -> None:
    done = [0, 0]
    seen = set()

    def run(place: int) -> None:
        done[place] += 1
        seen.add(threading.get_ident())

    speed = measure([lambda: run(0), lambda: run(1)], 0.02, SystemClock())
    assert speed.runs == sum(done)
    assert len(seen) == 2
    assert speed.wall_ns >= 20_000_000
    assert speed.per_s == pytest.approx(1000 / speed.ms)
    assert speed.cpu_s > 0


def test_an_empty_window_holds_one_run() -> None:
    assert measure([lambda: None], 0.0, SystemClock()).runs == 1


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_failure_is_told(lanes: int) -> None:
    def fail() -> None:
        raise EyespotError(Kind.INTERNAL, "The fake accelerator fails.")

    with pytest.raises(EyespotError, match="fake accelerator"):
        measure([fail] * lanes, 0.01, SystemClock())
