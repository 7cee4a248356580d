"""What the frames socket refused one service, over all its doors since this process began.

The frames process tells it with its status, each door from nothing; what a door refused after its last report is lost.
"""

from collections.abc import Mapping
from typing import Any


class FramesRecord:
    """Of one service."""

    def __init__(self) -> None:
        self._before = self._now = 0
        self._refusals: list[str] = []

    def take(self, door: Mapping[str, Any]) -> None:
        """What is said of the door now; nothing while there is none."""
        if not door:
            return
        refused = int(door.get("refused", 0))
        if refused < self._now:
            self._before += self._now
        self._now = refused
        self._refusals = list(door.get("refusals", [])) or self._refusals

    def status(self) -> dict[str, Any]:
        """How often, and the last refusals of one door in words."""
        return {"refused": self._before + self._now, "refusals": self._refusals}
