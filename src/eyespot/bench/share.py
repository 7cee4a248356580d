"""`eyespot bench share`: is one accelerator shared as promised, and what does sharing cost?

Fairness: two clients with shares 3:1 that always have work, once with the same model size and once with unequal runs.
Latency: the same requests at the same random times that keep the accelerator half busy, once all from one caller
straight to a lane, once from two clients through the shared accelerator. The model is the zoo's own, on one lane.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.infer.lanes import Lanes
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import Session, open_session
from eyespot.infer.share.accelerator import Client, SharedAccelerator, SharedModel
from eyespot.infer.share.fair_queue import Terms
from eyespot.kernel.clock import NS_PER_MS, SystemClock

PACKAGE = "nanodet-g"
FULL_S, HALF_S = 6.0, 15.0
QUICK_S = 1.5
BLOCK_S = 1.5
OUTSTANDING = 3
"""Requests that a client at full load keeps with the accelerator."""
SHARES = {"camera": 0.75, "guest": 0.25}
TARGETS = {"share_error": Target(0.1, "max"), "p95_ratio": Target(1.1, "max")}
Ask = Callable[[str], "Future[Any]"]


def run(options: BenchOptions, progress: Progress) -> Report:
    """Both measurements, several rounds of each; medians are reported."""
    package = ModelPackage.load(options.cache / "models" / PACKAGE)
    rounds = 1 if options.quick else options.rounds
    full_s = QUICK_S if options.quick else options.seconds or FULL_S
    half_s = 2 * QUICK_S if options.quick else options.seconds or HALF_S
    report = Report("share", targets=dict(TARGETS))
    equal: list[float] = []
    unequal: list[float] = []
    half: list[_HalfLoad] = []
    for number in range(rounds):
        progress.step(f"round {number + 1} of {rounds}")
        equal.append(_split(package, full_s, big_guest=False))
        progress.fraction(0.2)
        unequal.append(_split(package, full_s, big_guest=True))
        progress.fraction(0.4)
        half.append(_half_load(package, half_s, number))
        progress.fraction(1.0)
    _fill(report, equal, unequal, half)
    return report


def _fill(report: Report, equal: list[float], unequal: list[float], half: list["_HalfLoad"]) -> None:
    report.figures |= {
        "share_error": middle([abs(ratio / 3 - 1) for ratio in equal], 4),
        "split": middle(equal),
        "share_error_unequal_runs": middle([abs(ratio / 3 - 1) for ratio in unequal], 4),
        "split_unequal_runs": middle(unequal),
        "p95_ratio": middle([one.ratio(95) for one in half]),
        "p50_ratio": middle([one.ratio(50) for one in half]),
        "p95_ms_alone": middle([one.alone_ms(95) for one in half], 2),
        "p95_ms_shared": middle([one.shared_ms(95) for one in half], 2),
        **{f"p95_ratio_{name}": middle([one.ratio(95, name) for one in half]) for name in SHARES},
        "load": middle([one.load for one in half], 2),
        "requests": sum(len(one.names) for one in half),
    }
    report.rows = [
        ["", "figure"],
        ["run time camera : guest (promised 3)", str(report.figures["split"])],
        ["the same, guest's runs longer", str(report.figures["split_unequal_runs"])],
        ["p95 alone, half load", f"{report.figures['p95_ms_alone']} ms"],
        ["p95 shared, same requests", f"{report.figures['p95_ms_shared']} ms"],
    ]
    report.notes.append(
        f"{PACKAGE} on one lane of one thread. Full load: each client keeps {OUTSTANDING} requests waiting; the split "
        "is of measured run time. Half load: random (Poisson) arrivals, three in four the camera's; the ratio is taken "
        "round by round between the same requests at the same times, from one caller on a lane of its own without a "
        "scheduler, and from two clients of the shared accelerator, by turns in short blocks. Medians of rounds."
    )


def _picture(size_px: tuple[int, int]) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 255, (*size_px, 3), np.uint8)


def _split(package: ModelPackage, seconds: float, *, big_guest: bool) -> float:
    """Run time of the camera by the guest's, both always with work; ``big_guest``: its pictures are larger."""
    declared = package.document.input
    usual = (declared.height_px, declared.width_px)
    step = declared.multiple_px
    other = (usual[0] + 4 * step, usual[1] + 4 * step) if big_guest and step else usual
    shared = SharedAccelerator(SystemClock())
    floods = []
    for (name, share), size_px in zip(SHARES.items(), (usual, other), strict=True):
        model = SharedModel(name, partial(open_session, package, size_px=size_px))
        floods.append(_Flood(shared.join(name, Terms(share)), model, _picture(size_px)))
    for flood in floods:
        flood.ask().result()
    for flood in floods:
        flood.start()
    time.sleep(min(0.5, seconds / 4))
    before = [flood.client.stats.run_ns for flood in floods]
    time.sleep(seconds)
    had = [flood.client.stats.run_ns - begin for flood, begin in zip(floods, before, strict=True)]
    for flood in floods:
        flood.stop()
    shared.close()
    return had[0] / had[1]


class _Flood:
    """Keeps a client's requests waiting until told to stop."""

    def __init__(self, client: Client, model: SharedModel[Session], picture: NDArray[np.uint8]) -> None:
        self.client, self._model, self._picture = client, model, picture
        self._stop = threading.Event()
        self._ended = threading.Semaphore(0)

    def ask(self) -> "Future[int]":
        """One request."""
        return self.client.submit(self._model, lambda session: len(session.run(self._picture, borrow=True)))

    def start(self) -> None:
        for _ in range(OUTSTANDING):
            self._again()

    def stop(self) -> None:
        self._stop.set()
        for _ in range(OUTSTANDING):
            self._ended.acquire()

    def _again(self) -> None:
        if self._stop.is_set():
            self._ended.release()
            return
        self.ask().add_done_callback(lambda _: self._again())


@dataclass
class _HalfLoad:
    """Latencies of the same requests, alone and shared, in milliseconds."""

    names: list[str]
    load: float
    alone: list[float] = field(default_factory=list)
    shared: list[float] = field(default_factory=list)

    def alone_ms(self, percentile: float, name: str | None = None) -> float:
        return self._of(self.alone, percentile, name)

    def shared_ms(self, percentile: float, name: str | None = None) -> float:
        return self._of(self.shared, percentile, name)

    def ratio(self, percentile: float, name: str | None = None) -> float:
        """Shared by alone; ``name``: that client's requests only."""
        return self.shared_ms(percentile, name) / self.alone_ms(percentile, name)

    def _of(self, values: list[float], percentile: float, name: str | None) -> float:
        chosen = [value for value, owner in zip(values, self.names, strict=True) if name in (None, owner)]
        return float(np.percentile(chosen, percentile))


def _half_load(package: ModelPackage, seconds: float, seed: int) -> _HalfLoad:
    """The same short blocks of requests alone and shared by turns, so that both meet the same weather."""
    picture = _picture((package.input_height_px, package.input_width_px))
    chance = random.Random(seed)
    run_s = _run_s(package, picture)
    lanes: Lanes[int] = Lanes(lambda: open_session(package), 1, finish=lambda outputs, _: len(outputs), max_waiting=512)
    shared = SharedAccelerator(SystemClock())
    model = SharedModel(package.name, lambda: open_session(package))
    clients = {name: shared.join(name, Terms(share, max_waiting=512)) for name, share in SHARES.items()}

    def ask_alone(_: str) -> "Future[Any]":
        return lanes.submit(picture)

    def ask_shared(owner: str) -> "Future[Any]":
        return clients[owner].submit(model, lambda session: len(session.run(picture, borrow=True)))

    found = _HalfLoad([], 0.0)
    blocks = max(2, round(seconds / BLOCK_S))
    for block in range(blocks):
        times, owners = _arrivals(chance, 0.5 / run_s)
        found.names += owners
        found.load += len(times) * run_s / BLOCK_S / blocks
        sides = [(found.alone, ask_alone), (found.shared, ask_shared)]
        for latencies, ask in sides if block % 2 else reversed(sides):
            latencies += _drive(ask, times, owners)
    lanes.close()
    shared.close()
    return found


def _arrivals(chance: random.Random, rate_hz: float) -> tuple[list[float], list[str]]:
    """Random times over one block, and whose requests they are."""
    times = [chance.expovariate(rate_hz)]
    while times[-1] < BLOCK_S:
        times.append(times[-1] + chance.expovariate(rate_hz))
    return times, ["camera" if chance.random() < SHARES["camera"] else "guest" for _ in times]


def _run_s(package: ModelPackage, picture: NDArray[np.uint8]) -> float:
    """The usual time of one run."""
    session = open_session(package)
    taken = []
    for _ in range(30):
        begin = time.perf_counter()
        session.run(picture, borrow=True)
        taken.append(time.perf_counter() - begin)
    session.close()
    return float(np.median(taken[5:]))


def _drive(ask: Ask, times: list[float], owners: list[str]) -> list[float]:
    """Ask at the given times, whatever is still under way; latencies in milliseconds from the time asked for."""
    ask(owners[0]).result()
    ended_ns = [0] * len(times)
    futures = []
    begin_ns = time.monotonic_ns() + 50 * NS_PER_MS
    for index, (at_s, owner) in enumerate(zip(times, owners, strict=True)):
        time.sleep(max(0.0, (begin_ns - time.monotonic_ns()) / 1e9 + at_s))
        future = ask(owner)
        future.add_done_callback(partial(_note_end, ended_ns, index))
        futures.append(future)
    for future in futures:
        future.result()
    return [(end_ns - begin_ns) / NS_PER_MS - at_s * 1000 for end_ns, at_s in zip(ended_ns, times, strict=True)]


def _note_end(ended_ns: list[int], index: int, _: "Future[Any]") -> None:
    ended_ns[index] = time.monotonic_ns()
