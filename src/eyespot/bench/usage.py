"""What a tree of processes costs: CPU seconds and memory, read from the kernel."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """Cost of a process tree over a window.

    ``cpu_percent``: of one core. ``rss_mb``: resident memory of all processes added up, shared pages counted in each;
    ``pss_mb``: the same with shared pages split between their users. Both are the largest of the samples.
    """

    cpu_percent: float
    cpu_s: float
    rss_mb: float
    pss_mb: float
    processes: int


def tree(pid: int) -> list[psutil.Process]:
    """The process ``pid`` and all its descendants."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def measure(pid: int, seconds: float, tick: Callable[[float], None] = lambda _: None, every_s: float = 2.0) -> Usage:
    """Watch the tree below ``pid`` for ``seconds``; ``tick`` gets the fraction done."""
    begin, start = _cpu_s(pid), time.monotonic()
    rss_mb = pss_mb = 0.0
    while (elapsed := time.monotonic() - start) < seconds:
        time.sleep(min(every_s, max(0.0, seconds - elapsed)))
        tick(elapsed / seconds)
        rss, pss = _memory_mb(pid)
        rss_mb, pss_mb = max(rss_mb, rss), max(pss_mb, pss)
    used, wall = _cpu_s(pid) - begin, time.monotonic() - start
    return Usage(100 * used / wall, used, rss_mb, pss_mb, len(tree(pid)))


def _cpu_s(pid: int) -> float:
    total = 0.0
    for process in tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _memory_mb(pid: int) -> tuple[float, float]:
    rss = pss = 0
    for process in tree(pid):
        try:
            memory = process.memory_full_info()
        except psutil.NoSuchProcess:
            continue
        rss += memory.rss
        pss += memory.pss
    return rss / 2**20, pss / 2**20
