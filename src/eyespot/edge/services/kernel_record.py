"""What the kernel refused one service, over all its lives since this process began; and what is new of it."""

from collections import Counter
from typing import Any

from eyespot.edge.services.engines.contract import KernelRefusals, Running

SHOWN = 32
"""Kinds of call in the status, the most frequent ones; all are counted."""


class KernelRecord:
    """Of one service."""

    def __init__(self) -> None:
        self._before: Counter[str] = Counter()
        self._held_up_before = 0
        self._now = KernelRefusals()
        self._known: set[str] = set()

    def look(self, running: Running) -> list[str]:
        """Take over what was counted until now; returns the kinds of call that were new since the last look."""
        self._now = running.refusals()
        new = sorted(set(self._now.by_call) - self._known)
        self._known.update(new)
        return new

    def end(self) -> None:
        """This life has ended, after a last ``look``; the next counts anew, and its first of each kind is new."""
        self._before.update(self._now.by_call)
        self._held_up_before += self._now.held_up
        self._now = KernelRefusals()
        self._known.clear()

    def status(self, running: Running | None) -> dict[str, Any]:
        """Counters, and the most frequent refusals in words, JSON-ready.

        ``told``: whether what is refused is counted where it runs now; None while it does not run.
        """
        if running is not None:
            self._now = running.refusals()
        counted = self._before + Counter(self._now.by_call)
        found = counted.most_common(SHOWN)
        return {
            "told": self._now.told if running is not None else None,
            "refused": counted.total(), "by_call": dict(found), "held_up": self._held_up_before + self._now.held_up,
            "refusals": [in_words(call, times) for call, times in found],
        }  # fmt: skip


def in_words(call: str, times: int) -> str:
    """As in ``socket(AF_INET) 12 times``."""
    return f"{call} {'once' if times == 1 else f'{times} times'}"
