"""The service: counts at each moment, says how things are, tells limits that are passed, keeps totals by the hour."""

import json
import logging
from typing import Any

from eyespot.sdk import NS_PER_S, EyespotError, Service, TracksMessage, Zone, invalid
from eyespot.sdk.hours import Hours
from eyespot.sdk.watched import Watched, watched

from .counting import PICTURE, numbers, present
from .limits import Limit, Rule
from .totals import Totals

log = logging.getLogger(__name__)

SAVE_S, SAY_S, AWAY_S = 60.0, 10.0, 15.0
"""How often totals are written; how often the state is said when nothing changes; how long no tracks end a limit."""
MAX_ANSWER_BYTES = 48_000


class Occupancy(Service):
    """See the module's text."""

    verbs = ("now", "totals")

    def on_start(self) -> None:
        self.now: dict[str, dict[str, int]] = {}
        self.events: dict[Limit, str] = {}
        self.at = (0, 0)
        self.saved_ns = self.said_ns = 0
        self.totals = Totals()
        self.hours = Hours(self.scratch / "hours", self.settings.keep_days)
        self.limits: list[Limit] = []
        self.watched = Watched()
        self.begin()

    def on_config(self, settings: Any) -> None:
        self.end_all()
        self.hours.keep_days = settings.keep_days
        self.begin()

    def on_zones(self, camera: str, zones: tuple[Zone, ...]) -> None:
        self.look_at_places()

    def on_stop(self) -> None:
        self.end_all()
        self.save()

    def begin(self) -> None:
        """Go by the settings as they are now."""
        given = self.settings
        self.groups = {"people": given.people, "vehicles": given.vehicles}
        self.watched = watched(given.regions, (), ())
        if self.watched.trouble:
            log.warning("no region is counted: %s", self.watched.trouble)
        rules = [Rule(one.place or PICTURE, one.what, one.more_than, one.for_s) for one in given.limits]
        self.limits = [Limit(rule) for rule in rules]
        self.look_at_places()

    def look_at_places(self) -> None:
        """Which zones there are, and what is wrong with where the limits are."""
        self.zone_names = [zone.name for drawn in self.zones.values() for zone in drawn if zone.kind == "zone"]
        known = {PICTURE, *self.zone_names, *(region.name for region in self.watched.regions)}
        places = {limit.rule.place for limit in self.limits} if self.zones else set()
        lost = [f"There is no zone or part of the picture '{place}'." for place in sorted(places - known)]
        self.trouble = " ".join([self.watched.trouble, *lost]).strip()

    def on_tracks(self, tracks: TracksMessage) -> None:
        if self.at[0] and tracks.capture_ns - self.at[0] > AWAY_S * NS_PER_S:
            self.end_all()
        self.at = (tracks.capture_ns, tracks.wall_ns)
        there = present(tracks, self.groups, self.watched.regions, self.zone_names)
        self.totals.add(there, tracks.capture_ns, self.hours.at(tracks.wall_ns))
        now = numbers(there)
        for limit in self.limits:
            count = now.get(limit.rule.place, {}).get(limit.rule.group, 0)
            if limit.update(count, self.at):
                self.tell(limit)
        if now != self.now or tracks.capture_ns - self.said_ns > SAY_S * NS_PER_S:
            self.now, self.said_ns = now, tracks.capture_ns
            self.state(now=now, passed=self.passed(), trouble=self.trouble)
        if tracks.capture_ns - self.saved_ns > SAVE_S * NS_PER_S:
            self.saved_ns = tracks.capture_ns
            self.save()

    def on_request(self, verb: str, body: Any) -> Any:
        if verb == "now":
            return {"wall_ns": self.at[1], "now": self.now, "passed": self.passed()}
        asked = body if isinstance(body, dict) else {}
        begin, end = asked.get("from_wall_ns", 0), asked.get("to_wall_ns", 1 << 62)
        if not isinstance(begin, int) or not isinstance(end, int):
            raise invalid("from_wall_ns and to_wall_ns are whole numbers.", "Give nanoseconds since 1970.")
        return self.answer(begin, end)

    def answer(self, begin_ns: int, end_ns: int) -> dict[str, Any]:
        """Hours in order; where not all fit into one answer, ``next_wall_ns`` says where to go on."""
        hours: list[dict[str, Any]] = []
        room = MAX_ANSWER_BYTES
        for start_ns, values in self.hours.between(begin_ns, end_ns):
            one = {"start_wall_ns": start_ns, **values}
            room -= len(json.dumps(one))
            if room < 0:
                return {"hours": hours, "next_wall_ns": start_ns}
            hours.append(one)
        return {"hours": hours}

    def tell(self, limit: Limit) -> None:
        """A limit's event, at its beginning or end."""
        rule = limit.rule
        known = self.events.pop(limit, "")
        said = self.emit(
            "over-limit", event_id=known, start_wall_ns=limit.began_wall_ns,
            end_wall_ns=None if limit.is_passed else max(limit.ended_wall_ns, limit.began_wall_ns),
            zone="" if rule.place == PICTURE else rule.place, what=rule.group, limit=rule.more_than, most=limit.most,
        )  # fmt: skip
        if limit.is_passed:
            self.events[limit] = said

    def end_all(self) -> None:
        """Whatever lasts is over: nobody looks, or other limits count from now on."""
        for limit in self.limits:
            if limit.is_passed:
                limit.end(self.at[1])
                self.tell(limit)

    def passed(self) -> list[dict[str, Any]]:
        """The limits that are passed now, as the state says them."""
        return [
            {"place": one.rule.place, "what": one.rule.group, "limit": one.rule.more_than,
             "since_wall_ns": one.began_wall_ns}
            for one in self.limits if one.is_passed
        ]  # fmt: skip

    def save(self) -> None:
        """Totals to disk; a full disk costs the totals, not the counting."""
        try:
            self.hours.save()
        except EyespotError as error:
            log.warning("totals are not kept: %s", error)
