"""The service: ways of all objects, events for those that are heading for a region, and how often that came true."""

import logging
from typing import Any

from eyespot.sdk import NS_PER_S, Service, TracksMessage, Zone
from eyespot.sdk.regions import Region
from eyespot.sdk.watched import Watched, watched

from .approach import Approach, Outcome, enters_in
from .score import Score
from .way import Way, way_of

log = logging.getLogger(__name__)

SAY_S, GAP_S = 0.5, 5.0
MAX_SHOWN = 32
Pair = tuple[int, str]


class Direction(Service):
    """See the module's text."""

    verbs = ("now",)

    def on_start(self) -> None:
        self.score = Score()
        self.approaches: dict[Pair, Approach] = {}
        self.inside: set[Pair] = set()
        self.ways: dict[int, Way] = {}
        self.outcomes: dict[Outcome, int] = {"entered": 0, "turned": 0, "lost": 0}
        self.capture_ns = self.wall_ns = self.said_ns = 0
        self.begin()

    def on_config(self, settings: Any) -> None:
        self.end_all()
        self.begin()

    def on_zones(self, camera: str, zones: tuple[Zone, ...]) -> None:
        if self.asked() != self.watched:
            self.end_all()
            self.begin()

    def on_stop(self) -> None:
        self.end_all()

    def begin(self) -> None:
        """Go by the settings as they are now."""
        self.inside.clear()
        self.score.start_over()
        self.watched = self.asked()
        if self.watched.trouble:
            log.warning("not all is watched: %s", self.watched.trouble)

    def asked(self) -> Watched:
        """Where the owner wants it to look, as drawn now."""
        zones = [zone for drawn in self.zones.values() for zone in drawn]
        return watched(self.settings.regions, zones, self.settings.zones)

    def on_tracks(self, tracks: TracksMessage) -> None:
        if self.capture_ns and not 0 <= tracks.capture_ns - self.capture_ns < GAP_S * NS_PER_S:
            self.end_all()
            self.score.start_over()
        self.capture_ns, self.wall_ns = tracks.capture_ns, tracks.wall_ns
        seen = [one for one in tracks.tracks if one.label in self.settings.labels]
        self.ways = {one.id: way_of(one, tracks.aspect) for one in seen}
        self.score.update(self.ways, tracks.capture_ns, self.settings.horizon_s)
        for region in self.watched.regions:
            for number, way in self.ways.items():
                self.watch(number, way, region)
        for pair in [pair for pair in self.approaches if pair[0] not in self.ways]:
            self.end(pair, "lost")
        self.inside = {pair for pair in self.inside if pair[0] in self.ways}
        if not 0 <= tracks.capture_ns - self.said_ns < SAY_S * NS_PER_S:
            self.said_ns = tracks.capture_ns
            self.say()

    def watch(self, number: int, way: Way, region: Region) -> None:
        """One object before one region."""
        pair = number, region.name
        if region.holds(way.on_picture(way.foot)):
            self.end(pair, "entered")
            self.inside.add(pair)
            return
        in_s = enters_in(way, region, self.settings.horizon_s) if way.speed >= self.settings.least_speed else None
        known = self.approaches.get(pair)
        if pair in self.inside and in_s is not None:
            return  # it stands on the border: it was there already
        self.inside.discard(pair)
        if known is None:
            if in_s is not None:
                self.approaches[pair] = Approach(self.capture_ns, self.wall_ns)
        elif known.turned(in_s is not None, self.capture_ns, self.settings.sure_s if known.event else 0.0):
            self.end(pair, "turned")
        elif in_s is not None and known.is_due(self.capture_ns, self.settings.sure_s):
            self.tell(pair, known, way, in_s)

    def tell(self, pair: Pair, approach: Approach, way: Way, in_s: float) -> None:
        """It is heading there."""
        approach.in_s, approach.told_ns, approach.told_wall_ns = in_s, self.capture_ns, self.wall_ns
        approach.event = self.emit(
            "heading-for", start_wall_ns=self.wall_ns, zone=pair[1], track=pair[0], in_s=round(in_s, 1),
            heading_deg=round(way.heading_deg), speed=round(way.speed, 2),
        )  # fmt: skip

    def end(self, pair: Pair, outcome: Outcome) -> None:
        """What became of it; one that was not told is forgotten."""
        approach = self.approaches.pop(pair, None)
        if approach is None or not approach.event:
            return
        self.outcomes[outcome] += 1
        after_s = (self.capture_ns - approach.told_ns) / NS_PER_S
        self.emit(
            "heading-for", event_id=approach.event, start_wall_ns=approach.told_wall_ns,
            end_wall_ns=max(self.wall_ns, approach.told_wall_ns), zone=pair[1], track=pair[0],
            in_s=round(approach.in_s, 1), outcome=outcome, after_s=round(after_s, 1),
        )  # fmt: skip

    def end_all(self) -> None:
        """Nobody looks any more."""
        for pair in list(self.approaches):
            self.end(pair, "lost")

    def say(self) -> None:
        """The state: the first objects' ways, how good predictions were, and what became of those told."""
        horizon_s = self.settings.horizon_s
        shown = [shown_way(number, way, horizon_s) for number, way in list(self.ways.items())[:MAX_SHOWN]]
        self.state(
            objects=len(self.ways), ways=shown, horizon_s=horizon_s, outcomes=self.outcomes,
            watching=[region.name for region in self.watched.regions], trouble=self.watched.trouble,
            **self.score.told(),
        )  # fmt: skip

    def on_request(self, verb: str, body: Any) -> Any:
        shown = [shown_way(number, way, self.settings.horizon_s) for number, way in self.ways.items()]
        return {"wall_ns": self.wall_ns, "ways": shown, "outcomes": self.outcomes, **self.score.told()}


def shown_way(number: int, way: Way, horizon_s: float) -> dict[str, Any]:
    """A way in plain values; places in fractions of the picture."""
    at, to = way.on_picture(way.foot), way.on_picture(way.ahead(horizon_s))
    return {
        "track": number, "heading_deg": round(way.heading_deg), "speed": round(way.speed, 2),
        "at": [round(value, 4) for value in at], "to": [round(value, 4) for value in to],
    }  # fmt: skip
