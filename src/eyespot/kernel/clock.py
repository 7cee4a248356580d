"""Time, passed in. The only module of the project that reads the machine's clocks.

Two clocks, both in nanoseconds: *monotonic* orders and paces (capture time is monotonic, the same in every process of
one host); *wall* is what a person reads, and may jump. ``eyespot.testing.SimClock`` is the simulated twin.
"""

import asyncio
import time
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Reads time and sleeps."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary start; never goes back; shared by all processes of one boot."""
        ...

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; may jump either way."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` (0 or more) of monotonic time pass."""
        ...


class SystemClock:
    """The machine's clocks (``CLOCK_MONOTONIC`` and ``CLOCK_REALTIME``)."""

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def seconds(ns: int) -> float:
    """Nanoseconds as seconds."""
    return ns / NS_PER_S


def from_seconds(value_s: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(value_s * NS_PER_S)
