"""Rules: the tracks of each frame in, starts, improvements and ends of events out.

Owns what is open and why; geometry is ``zones``, proof is ``evidence``. Pure: no clock, no storage; time is the capture
time of the tracks. Nothing flickers: a change must last before it counts, an object that is only hidden changes
nothing, and a line is crossed when the object is clear of it on the other side.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from eyespot.contracts.event import SceneKind
from eyespot.kernel.clock import from_seconds
from eyespot.kernel.config import Settings
from eyespot.vision.evidence import Best, Box, Way
from eyespot.vision.track.tracks import OCCLUDED, Tracks, cut
from eyespot.vision.zones import LineLike, Polygon, Tripwire, ZoneLike, foot_point, foot_points

Phase = Literal["start", "update", "end"]


class RuleSettings(Settings):
    """How steady a change must be."""

    enter_s: float = Field(default=0.3, ge=0, le=60)
    """An object is in a zone once it stood there so long."""
    leave_s: float = Field(default=1.0, ge=0, le=60)
    """And has left once it was outside so long."""
    clear_heights: float = Field(default=0.08, ge=0, le=2)
    """An object is on a line's other side once its foot is so far beyond, in its own heights."""
    update_s: float = Field(default=1.0, ge=0, le=60)
    """Least time between two updates of one event, apart from its end."""


@dataclass(frozen=True, slots=True)
class RuleUpdate:
    """One step in an event's life.

    Attributes:
        number: identifies the event within this engine, from 1.
        phase: ``start`` first, ``update`` when its evidence improved, ``end`` last.
        label: name of the object class, empty when mixed.
        zone: name of the zone or line, empty when none.
        track: id of the track, none for occupancy.
        at_ns: capture time of the frame that brought this update.
        end_ns: None while it lasts; may lie before ``at_ns``, since an end is known only later.
        best_ns: capture time of the best frame, ``best_box`` the object in it.
        take_picture: this very frame is the best so far: take its picture now.
        path: moments and boxes, at most 512.
    """

    number: int
    phase: Phase
    kind: SceneKind
    label: str
    zone: str
    track: int | None
    at_ns: int
    start_ns: int
    end_ns: int | None
    score: float
    best_ns: int | None
    best_box: Box | None
    take_picture: bool
    path: tuple[tuple[int, Box], ...]
    detail: dict[str, Any]


@dataclass(slots=True)
class _Open:
    """An event that lasts."""

    number: int
    kind: SceneKind
    label: str
    zone: str
    track: int | None
    start_ns: int
    said_ns: int
    best: Best = field(default_factory=Best)
    way: Way = field(default_factory=Way)
    detail: dict[str, Any] = field(default_factory=dict)

    def step(self, phase: Phase, at_ns: int, *, end_ns: int | None = None, picture: bool = False) -> RuleUpdate:
        self.said_ns = at_ns
        return RuleUpdate(
            self.number, phase, self.kind, self.label, self.zone, self.track, at_ns, self.start_ns, end_ns,
            min(1.0, self.best.score), self.best.at_ns, cut(self.best.box) if self.best.box else None, picture,
            tuple((moment, cut(box)) for moment, box in self.way.thinned()), dict(self.detail),
        )  # fmt: skip


@dataclass(slots=True)
class _Presence:
    """One object in or out of one zone, and since when the opposite has been seen."""

    inside: bool = False
    doubt_ns: int | None = None
    entered_ns: int = 0
    zone_event: _Open | None = None
    loiter_event: _Open | None = None


@dataclass(slots=True)
class _Visit:
    """One object from its first frame to its last."""

    label: str
    event: _Open
    seen_ns: int
    presence: dict[str, _Presence] = field(default_factory=dict)
    sides: dict[str, tuple[bool, tuple[float, float]]] = field(default_factory=dict)


@dataclass(slots=True)
class _Crowd:
    """Whether one zone holds too many objects."""

    doubt_ns: int | None = None
    event: _Open | None = None


@dataclass(slots=True)
class _Seen:
    """One visible object in one frame; made too often to be frozen."""

    track: int
    at_ns: int
    box: Box
    score: float
    aspect: float


class RuleEngine:
    """Turns the tracks of one camera into events."""

    def __init__(
        self,
        labels: Sequence[str],
        zones: Sequence[ZoneLike] = (),
        lines: Sequence[LineLike] = (),
        settings: RuleSettings | None = None,
    ) -> None:
        self._labels = tuple(labels)
        self._settings = settings or RuleSettings()
        self._visits: dict[int, _Visit] = {}
        self._crowds: dict[str, _Crowd] = {}
        self._counts: dict[str, list[int]] = {}
        self._last_number = 0
        self._set(zones, lines)

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Crossings (in, out) of each line since it was first drawn."""
        return {name: (counts[0], counts[1]) for name, counts in self._counts.items()}

    def zones_of(self, tracks: Tracks) -> list[tuple[str, ...]]:
        """Names of the zones that each track stands in, in the order of ``tracks``."""
        return [
            tuple(name for name, presence in self._visits[track].presence.items() if presence.inside)
            if track in self._visits
            else ()
            for track in tracks.ids.tolist()
        ]

    def replace(self, zones: Sequence[ZoneLike], lines: Sequence[LineLike], at_ns: int) -> list[RuleUpdate]:
        """Change the rules now. Events of zones that stay (by name) go on; those of rules that went end."""
        self._set(zones, lines)
        updates: list[RuleUpdate] = []
        for visit in self._visits.values():
            for name, presence in list(visit.presence.items()):
                zone = self._zones.get(name)
                gone = zone is None or not _counts_here(zone.labels, visit.label)
                if gone:
                    updates += self._end_presence(visit.presence.pop(name), at_ns, at_ns)
                elif zone is not None and zone.loiter_s is None and presence.loiter_event:
                    updates.append(presence.loiter_event.step("end", at_ns, end_ns=at_ns))
                    presence.loiter_event = None
            visit.sides = {name: side for name, side in visit.sides.items() if name in self._lines}
        for name, crowd in list(self._crowds.items()):
            if name not in self._zones or self._zones[name].max_objects is None:
                del self._crowds[name]
                if crowd.event:
                    updates.append(crowd.event.step("end", at_ns, end_ns=at_ns))
        return updates

    def update(self, tracks: Tracks) -> list[RuleUpdate]:
        """What the tracks of one frame change; frames come in order of capture time."""
        updates: list[RuleUpdate] = []
        inside = self._inside(tracks)
        rows = zip(
            tracks.ids.tolist(), tracks.labels.tolist(), tracks.boxes.tolist(), tracks.scores.tolist(),
            tracks.states.tolist(), tracks.unseen_s.tolist(), strict=True,
        )  # fmt: skip
        present = set()
        for place, (track, label, box, score, state, unseen_s) in enumerate(rows):
            present.add(track)
            if state == OCCLUDED or unseen_s > 0.0:
                continue
            seen = _Seen(track, tracks.capture_ns, tuple(box), score, tracks.aspect)
            updates += self._meet(seen, label)
            visit = self._visits[track]
            for name, holds in inside.items():
                if _counts_here(self._zones[name].labels, visit.label):
                    updates += self._presence(visit, self._zones[name], seen, holds=holds[place])
            for name, line in self._lines.items():
                if _counts_here(line.labels, visit.label):
                    updates += self._crossing(visit, name, seen)
        for track in [track for track in self._visits if track not in present]:
            updates += self._leave(self._visits.pop(track), tracks.capture_ns)
        updates += self._crowding(tracks)
        return updates

    def finish(self, at_ns: int) -> list[RuleUpdate]:
        """End everything that is open; for when the camera stops being watched."""
        updates: list[RuleUpdate] = []
        for visit in self._visits.values():
            updates += self._leave(visit, at_ns)
        for crowd in self._crowds.values():
            if crowd.event:
                updates.append(crowd.event.step("end", at_ns, end_ns=at_ns))
        self._visits.clear()
        self._crowds.clear()
        return updates

    def _inside(self, tracks: Tracks) -> dict[str, list[bool]]:
        """By zone, which tracks stand in it."""
        if not self._shapes:
            return {}
        feet = foot_points(tracks.boxes)
        return {name: shape.holds(feet).tolist() for name, shape in self._shapes.items()}

    def _set(self, zones: Sequence[ZoneLike], lines: Sequence[LineLike]) -> None:
        self._zones = {zone.name: zone for zone in zones}
        self._shapes = {zone.name: Polygon(zone.points) for zone in zones}
        self._lines = {line.name: line for line in lines}
        self._wires = {line.name: Tripwire(line.a, line.b) for line in lines}
        self._counts = {name: self._counts.get(name, [0, 0]) for name in self._lines}

    def _open(self, kind: SceneKind, label: str, zone: str, track: int | None, start_ns: int, at_ns: int) -> _Open:
        self._last_number += 1
        return _Open(self._last_number, kind, label, zone, track, start_ns, at_ns)

    def _meet(self, seen: _Seen, label: int) -> Iterator[RuleUpdate]:
        visit = self._visits.get(seen.track)
        if visit is None:
            name = self._labels[label] if 0 <= label < len(self._labels) else "object"
            event = self._open("object", name, "", seen.track, seen.at_ns, seen.at_ns)
            self._visits[seen.track] = _Visit(name, event, seen.at_ns)
            yield self._start(event, seen)
        else:
            visit.seen_ns = seen.at_ns
            yield from self._improve(visit.event, seen)

    def _start(self, event: _Open, seen: _Seen) -> RuleUpdate:
        event.way.add(seen.at_ns, seen.box)
        event.best.offer(seen.at_ns, seen.box, seen.score)
        return event.step("start", seen.at_ns, picture=True)

    def _improve(self, event: _Open, seen: _Seen) -> Iterator[RuleUpdate]:
        event.way.add(seen.at_ns, seen.box)
        calm = seen.at_ns - event.said_ns < from_seconds(self._settings.update_s)
        if not calm and event.best.offer(seen.at_ns, seen.box, seen.score):
            yield event.step("update", seen.at_ns, picture=True)

    def _presence(self, visit: _Visit, zone: ZoneLike, seen: _Seen, *, holds: bool) -> Iterator[RuleUpdate]:
        presence = visit.presence.get(zone.name)
        if presence is None:
            if not holds:
                return
            presence = visit.presence[zone.name] = _Presence()
        if holds == presence.inside:
            presence.doubt_ns = None
        else:
            if presence.doubt_ns is None:
                presence.doubt_ns = seen.at_ns
            steady_s = self._settings.leave_s if presence.inside else self._settings.enter_s
            if seen.at_ns - presence.doubt_ns >= from_seconds(steady_s):
                since_ns, presence.doubt_ns = presence.doubt_ns, None
                if presence.inside:
                    yield from self._end_presence(presence, since_ns, seen.at_ns)
                    return
                presence.inside, presence.entered_ns = True, since_ns
                presence.zone_event = self._open("zone", visit.label, zone.name, seen.track, since_ns, seen.at_ns)
                yield self._start(presence.zone_event, seen)
        if presence.inside:
            yield from self._dwell(visit, zone, presence, seen)

    def _dwell(self, visit: _Visit, zone: ZoneLike, presence: _Presence, seen: _Seen) -> Iterator[RuleUpdate]:
        dwell_ns = seen.at_ns - presence.entered_ns
        dwell_s = round(dwell_ns / 1e9, 1)
        if presence.zone_event and presence.zone_event.said_ns != seen.at_ns:
            presence.zone_event.detail["dwell_s"] = dwell_s
            yield from self._improve(presence.zone_event, seen)
        if zone.loiter_s is None:
            return
        if presence.loiter_event:
            presence.loiter_event.detail["dwell_s"] = dwell_s
            yield from self._improve(presence.loiter_event, seen)
        elif dwell_ns >= from_seconds(zone.loiter_s):
            start_ns = presence.entered_ns + from_seconds(zone.loiter_s)
            event = self._open("loiter", visit.label, zone.name, seen.track, start_ns, seen.at_ns)
            event.detail.update(dwell_s=dwell_s, loiter_s=zone.loiter_s)
            presence.loiter_event = event
            yield self._start(event, seen)

    def _end_presence(self, presence: _Presence, end_ns: int, at_ns: int) -> Iterator[RuleUpdate]:
        for event in (presence.loiter_event, presence.zone_event):
            if event:
                last_ns = max(end_ns, event.start_ns)
                event.detail["dwell_s"] = round((last_ns - presence.entered_ns) / 1e9, 1)
                yield event.step("end", at_ns, end_ns=last_ns)
        presence.inside, presence.zone_event, presence.loiter_event = False, None, None

    def _crossing(self, visit: _Visit, name: str, seen: _Seen) -> Iterator[RuleUpdate]:
        wire = self._wires[name]
        foot = foot_point(seen.box)
        distance = wire.side(*foot, seen.aspect)
        if abs(distance) <= self._settings.clear_heights * (seen.box[3] - seen.box[1]):
            return
        right = distance > 0.0
        before = visit.sides.get(name)
        visit.sides[name] = (right, foot)
        if before is None or before[0] == right or not wire.is_crossed(before[1], foot, seen.aspect):
            return
        counts = self._counts[name]
        counts[0 if right else 1] += 1
        event = self._open("line", visit.label, name, seen.track, seen.at_ns, seen.at_ns)
        event.detail.update(direction="in" if right else "out", count_in=counts[0], count_out=counts[1])
        for moment, box in visit.event.way.thinned():
            event.way.add(moment, box)
        yield self._start(event, seen)
        yield event.step("end", seen.at_ns, end_ns=seen.at_ns)

    def _leave(self, visit: _Visit, at_ns: int) -> Iterator[RuleUpdate]:
        for presence in visit.presence.values():
            yield from self._end_presence(presence, visit.seen_ns, at_ns)
        yield visit.event.step("end", at_ns, end_ns=visit.seen_ns)

    def _crowding(self, tracks: Tracks) -> Iterator[RuleUpdate]:
        for name, zone in self._zones.items():
            if zone.max_objects is None:
                continue
            inside = [visit.presence[name].inside for visit in self._visits.values() if name in visit.presence]
            yield from self._crowd(name, zone.max_objects, sum(inside), tracks.capture_ns)

    def _crowd(self, name: str, limit: int, count: int, at_ns: int) -> Iterator[RuleUpdate]:
        crowd = self._crowds.setdefault(name, _Crowd())
        if (count > limit) == (crowd.event is not None):
            crowd.doubt_ns = None
            if crowd.event and count > crowd.event.detail["peak"]:
                crowd.event.detail.update(peak=count)
                crowd.event.best.at_ns = at_ns
                yield crowd.event.step("update", at_ns, picture=True)
            return
        if crowd.doubt_ns is None:
            crowd.doubt_ns = at_ns
        steady_s = self._settings.leave_s if crowd.event else self._settings.enter_s
        if at_ns - crowd.doubt_ns < from_seconds(steady_s):
            return
        since_ns, crowd.doubt_ns = crowd.doubt_ns, None
        if crowd.event:
            yield crowd.event.step("end", at_ns, end_ns=since_ns)
            crowd.event = None
            return
        crowd.event = self._open("occupancy", "", name, None, since_ns, at_ns)
        crowd.event.detail.update(peak=count, max_objects=limit)
        crowd.event.best.at_ns, crowd.event.best.score = at_ns, 1.0
        yield crowd.event.step("start", at_ns, picture=True)


def _counts_here(wanted: tuple[str, ...], label: str) -> bool:
    return not wanted or label in wanted
