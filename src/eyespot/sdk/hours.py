"""Values by the hour, kept in the service's own storage: what totals, charts and heat maps are made from.

Hours are those of UTC, so that none is missing or doubled when clocks change. One file a day; only the day at hand is
in memory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eyespot.kernel.clock import NS_PER_S
from eyespot.sdk.document import Document

HOUR_NS = 3600 * NS_PER_S
DAY_NS = 24 * HOUR_NS
MAX_DAY_BYTES = 4 << 20
Hour = dict[str, Any]


class Hours:
    """The hours in ``folder``; days older than ``keep_days`` are removed when a new one begins.

    What was put into an hour is on disk after ``save``; a crash costs what came since. Calls block on the disk.
    """

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder, self.keep_days = folder, keep_days
        self._day = -1
        self._hours: dict[str, Hour] = {}
        self._changed = False

    def at(self, wall_ns: int) -> Hour:
        """The values of the hour that ``wall_ns`` is in, to be read and changed; empty at first."""
        day = wall_ns // DAY_NS
        if day != self._day:
            self.save()
            self._day, self._hours = day, self._read(day)
            self._forget_older(day - self.keep_days)
        self._changed = True
        return self._hours.setdefault(str(wall_ns // HOUR_NS), {})

    def save(self) -> None:
        """Write what was changed; raises as ``Document.write``."""
        if self._changed:
            self._document(self._day).write(self._hours)
            self._changed = False

    def between(self, from_wall_ns: int, to_wall_ns: int) -> Iterator[tuple[int, Hour]]:
        """Begin and values of each hour that has any and touches the time from ``from_wall_ns`` up to ``to_wall_ns``.

        In order of time; values are to be read alone.
        """
        for day in self._days():
            if (day + 1) * DAY_NS <= from_wall_ns or day * DAY_NS >= to_wall_ns:
                continue
            hours = self._hours if day == self._day else self._read(day)
            for number, values in sorted((int(key), values) for key, values in hours.items()):
                if (number + 1) * HOUR_NS > from_wall_ns and number * HOUR_NS < to_wall_ns:
                    yield number * HOUR_NS, values

    def _days(self) -> list[int]:
        kept = {int(path.stem) for path in self._folder.glob("*.json") if path.stem.isdecimal()}
        return sorted(kept | ({self._day} if self._hours else set()))

    def _read(self, day: int) -> dict[str, Hour]:
        found = self._document(day).read()
        if not isinstance(found, dict):
            return {}
        return {key: hour for key, hour in found.items() if key.isdecimal() and isinstance(hour, dict)}

    def _document(self, day: int) -> Document:
        return Document(self._folder / f"{day}.json", MAX_DAY_BYTES)

    def _forget_older(self, oldest: int) -> None:
        for day in self._days():
            if day < oldest:
                (self._folder / f"{day}.json").unlink(missing_ok=True)
