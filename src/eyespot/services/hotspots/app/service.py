"""The service: time is added up along the ways of tracks, for lately and for each hour."""

import base64
import logging
import time
from typing import Any

from eyespot.sdk import NS_PER_S, EyespotError, Service, TracksMessage, Zone
from eyespot.sdk.hours import Hours
from eyespot.sdk.regions import Point, foot_point
from eyespot.sdk.watched import Watched, watched

from .asked import Asked, is_of_day, read_asked
from .grid import Cells, Fading, Grid
from .picture import png

log = logging.getLogger(__name__)

SAVE_S, SAY_S = 60.0, 5.0
GAP_S = 5.0
"""Somebody who was seen before longer than this was somewhere else meanwhile."""
PICTURE_PX = 640


class Hotspots(Service):
    """See the module's text."""

    verbs = ("now", "map")

    def on_start(self) -> None:
        self.hours = Hours(self.scratch / "hours", self.settings.keep_days)
        self.capture_ns = self.wall_ns = self.saved_ns = self.said_ns = 0
        self.begin()

    def on_config(self, settings: Any) -> None:
        self.hours.keep_days = settings.keep_days
        self.begin()

    def on_zones(self, camera: str, zones: tuple[Zone, ...]) -> None:
        if self.asked() != self.watched:
            self.begin()

    def on_stop(self) -> None:
        self.save()

    def begin(self) -> None:
        """Go by the settings as they are now; what was lately begins anew."""
        self.grid = Grid(self.settings.columns, self.settings.rows)
        self.lately = Fading(self.settings.half_life_min * 60.0)
        self.feet: dict[int, Point] = {}
        self.watched = self.asked()
        if self.watched.trouble:
            log.warning("not all is counted: %s", self.watched.trouble)

    def asked(self) -> Watched:
        """The zones that the owner named, as drawn now."""
        zones = [zone for drawn in self.zones.values() for zone in drawn]
        return watched((), zones, self.settings.zones)

    def counts(self, foot: Point) -> bool:
        """Whether time that somebody spends at ``foot`` counts."""
        return not self.settings.zones or any(region.holds(foot) for region in self.watched.regions)

    def on_tracks(self, tracks: TracksMessage) -> None:
        gap_s = (tracks.capture_ns - self.capture_ns) / NS_PER_S if self.capture_ns else 0.0
        seen = {one.id: foot_point(one.box) for one in tracks.tracks if one.label in self.settings.labels}
        feet = {number: foot for number, foot in seen.items() if self.counts(foot)}
        if gap_s > 0:
            self.lately.pass_time(gap_s)
        if 0 < gap_s <= GAP_S:
            self.add(feet, gap_s, tracks.wall_ns)
        self.feet, self.capture_ns, self.wall_ns = feet, tracks.capture_ns, tracks.wall_ns
        if not 0 <= tracks.capture_ns - self.said_ns < SAY_S * NS_PER_S:
            self.said_ns = tracks.capture_ns
            self.say()
        if not 0 <= tracks.capture_ns - self.saved_ns < SAVE_S * NS_PER_S:
            self.saved_ns = tracks.capture_ns
            self.save()

    def add(self, feet: dict[int, Point], gap_s: float, wall_ns: int) -> None:
        """Everybody's way since the message before, to the hour and to lately."""
        cells: dict[str, float] = self.hours.at(wall_ns).setdefault(self.grid.key, {})
        for number, foot in feet.items():
            if number in self.feet:
                for cell, spent_s in self.grid.spread(self.feet[number], foot, gap_s):
                    self.lately.add(cell, spent_s)
                    cells[str(cell)] = round(cells.get(str(cell), 0.0) + spent_s, 4)

    def say(self) -> None:
        """The state: each cell in per cent of the busiest one."""
        most_s = max(self.lately.cells.values(), default=0.0)
        shares = [round(100 * spent_s / (most_s or 1.0)) for spent_s in self.grid.dense(self.lately.cells)]
        self.state(
            columns=self.grid.columns,
            rows=self.grid.rows,
            busiest_s=round(most_s, 1),
            percent=shares,
            trouble=self.watched.trouble,
        )

    def on_request(self, verb: str, body: Any) -> Any:
        if verb == "now":
            return {"wall_ns": self.wall_ns, **self.drawn(self.lately.cells, "json")}
        asked = read_asked(body)
        cells, hours, other = self.summed(asked)
        return {**self.drawn(cells, asked.form), "hours": hours, "hours_of_other_grids": other}

    def summed(self, asked: Asked) -> tuple[Cells, int, int]:
        """Time by cell, of how many hours, and how many were left out because their grid was another."""
        cells: Cells = {}
        hours = other = 0
        for begin_ns, values in self.hours.between(asked.from_wall_ns, asked.to_wall_ns):
            if not is_of_day(time.localtime(begin_ns / NS_PER_S).tm_hour, asked.of_day):
                continue
            found = values.get(self.grid.key)
            if found is None:
                other += bool(values)
                continue
            hours += 1
            for cell, spent_s in found.items():
                cells[int(cell)] = cells.get(int(cell), 0.0) + spent_s
        return cells, hours, other

    def drawn(self, cells: Cells, form: str) -> dict[str, Any]:
        """``cells`` in the form that was asked for."""
        values, shape = self.grid.dense(cells), {"columns": self.grid.columns, "rows": self.grid.rows}
        total_s = round(sum(cells.values()), 1)
        if form == "json":
            return {**shape, "total_s": total_s, "seconds": values}
        picture = png(values, self.grid.columns, max(1, PICTURE_PX // self.grid.columns))
        return {**shape, "total_s": total_s, "png": base64.b64encode(picture).decode()}

    def save(self) -> None:
        """Hours to disk; a full disk costs the map, not the counting."""
        try:
            self.hours.save()
        except EyespotError as error:
            log.warning("the map is not kept: %s", error)
