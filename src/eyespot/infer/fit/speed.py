"""How fast sessions run side by side: one thread each, as many runs as fit into a window of time.

Owns the window and the counting. The threads run sessions as a camera's lanes do, without queue or head.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eyespot.kernel.clock import NS_PER_MS, NS_PER_S, Clock


@dataclass(frozen=True, slots=True)
class Speed:
    """Runs of one model in one window.

    Attributes:
        runs: complete runs, of all threads together.
        wall_ns: from the common start to the end of the last run.
        cpu_s: processor seconds of the whole process in that time: the runtime's own threads are in it.
    """

    runs: int
    wall_ns: int
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Runs a second."""
        return self.runs * NS_PER_S / self.wall_ns

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds a run."""
        return 1000 * self.cpu_s / self.runs

    @property
    def ms(self) -> float:
        """Milliseconds from one run's end to the next."""
        return self.wall_ns / NS_PER_MS / self.runs


def measure(runs: Sequence[Callable[[], Any]], window_s: float, clock: Clock) -> Speed:
    """Call each of ``runs`` over and over in a thread of its own until ``window_s`` is over.

    A run that began in the window is counted and waited for, so even a short window holds one run a thread. Raises what
    the first failing run raised.
    """
    if len(runs) == 1:
        begin, start_ns = time.process_time(), clock.monotonic_ns()
        done = _until(runs[0], start_ns + round(window_s * NS_PER_S), clock)
        return Speed(done, clock.monotonic_ns() - start_ns, time.process_time() - begin)
    barrier = threading.Barrier(len(runs) + 1)
    counts, failures = [0] * len(runs), list[Exception]()

    def work(place: int) -> None:
        barrier.wait()
        try:
            counts[place] = _until(runs[place], clock.monotonic_ns() + round(window_s * NS_PER_S), clock)
        except Exception as error:  # noqa: BLE001 - raised again where the figures are waited for
            failures.append(error)

    threads = [threading.Thread(target=work, args=(place,), daemon=True) for place in range(len(runs))]
    for thread in threads:
        thread.start()
    begin, start_ns = time.process_time(), clock.monotonic_ns()
    barrier.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Speed(sum(counts), clock.monotonic_ns() - start_ns, time.process_time() - begin)


def _until(run: Callable[[], Any], end_ns: int, clock: Clock) -> int:
    done = 0
    while True:
        run()
        done += 1
        if clock.monotonic_ns() >= end_ns:
            return done
