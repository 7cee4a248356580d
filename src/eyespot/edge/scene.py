"""What happens before one camera: detections become tracks, tracks become events with pictures.

Joins the tracker and the rules to identities, wall time and files; knows no packets, no processes.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.contracts.detections import Boxes, Detections
from eyespot.contracts.event import Event, PathPoint
from eyespot.contracts.track import TracksMessage
from eyespot.edge.config import CameraSettings
from eyespot.kernel.ids import new_id
from eyespot.vision.rules import RuleEngine, RuleUpdate
from eyespot.vision.track import Tracker, TrackerSettings
from eyespot.vision.track.tracks import Tracks

Picture = Callable[[], bytes]
"""Makes the JPEG of the frame at hand."""


@dataclass(slots=True)
class Moment:
    """What one frame brought."""

    message: TracksMessage
    events: list[Event] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    """Files that must be written with this very frame's picture."""


class Scene:
    """Follows one camera's objects.

    Args:
        media_dir: where best frames go, ``<camera>/<event id>.jpg``.
        show: gets the tracks of each picture given to ``judged`` or ``trust``.

    Attributes:
        events, tracks_seen: how many there were so far; ``tracks_now``: how many there are.
        boxes: where they were in the last picture, ``(N, 4)`` float32 in fractions.
    """

    def __init__(
        self, camera: CameraSettings, media_dir: Path, show: Callable[[Tracks], None] = lambda _: None
    ) -> None:
        self._show = show
        self._camera = camera.id
        self._media_dir = media_dir
        self._tracker = Tracker(tracker_settings(camera.detect.score))
        self._settings = camera
        self._labels: tuple[str, ...] = ()
        self._rules = RuleEngine((), camera.zone, camera.line)
        self._ids: dict[int, str] = {}
        self._pictures: dict[int, str] = {}
        self._highest = 0
        self.events = self.tracks_now = self.tracks_seen = 0
        self.boxes: Boxes = np.zeros((0, 4), np.float32)

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's label list; setting another begins with no objects."""
        return self._labels

    @labels.setter
    def labels(self, labels: tuple[str, ...]) -> None:
        if labels != self._labels:
            self._labels = labels
            self._rules = RuleEngine(labels, self._settings.zone, self._settings.line)

    def replace_rules(self, camera: CameraSettings, at_ns: int, wall_offset_ns: int) -> list[Event]:
        """New zones and lines, now."""
        self._settings = camera
        updates = self._rules.replace(camera.zone, camera.line, at_ns)
        return [self._event(update, wall_offset_ns)[0] for update in updates]

    def detected(self, detections: Detections, wall_offset_ns: int) -> Moment:
        """Take one frame's detections."""
        return self._conclude(self._tracker.update(detections), wall_offset_ns, moving=True)

    def judged(self, detections: Detections, wall_offset_ns: int) -> tuple[list[Event], list[Path]]:
        """Like ``detected`` for when nobody watches: no tracks message is made."""
        tracks = self._tracker.update(detections)
        self._count(tracks)
        self._show(tracks)
        made = [self._event(update, wall_offset_ns) for update in self._rules.update(tracks)]
        return [event for event, _ in made], [picture for _, picture in made if picture is not None]

    def expected(self, capture_ns: int) -> tuple[Tracks, bool]:
        """Where known objects should be now, by prediction alone, and whether the tracker is sure of all of them."""
        return self._tracker.expect(capture_ns), self._tracker.is_sure

    def trust(self, expected: Tracks) -> None:
        """A picture without a detection: what was expected is taken for what is there."""
        self._count(expected)
        self._show(expected)

    @property
    def has_missed(self) -> bool:
        """The last look did not find an object that was there a moment before."""
        return self._tracker.has_missed

    def carried(self, expected: Tracks, wall_offset_ns: int) -> Moment:
        """Like ``trust`` for when somebody watches; nothing begins or ends by it, for nothing was seen."""
        return self._conclude(expected, wall_offset_ns, moving=True)

    def still(self, capture_ns: int, wall_offset_ns: int) -> Moment:
        """A frame in which nothing moved: what was there is still there."""
        return self._conclude(self._tracker.coast(capture_ns), wall_offset_ns, moving=False)

    def finish(self, at_ns: int, wall_offset_ns: int) -> list[Event]:
        """The picture ends here: so does everything that lasts."""
        return [self._event(update, wall_offset_ns)[0] for update in self._rules.finish(at_ns)]

    def _conclude(self, tracks: Tracks, wall_offset_ns: int, *, moving: bool) -> Moment:
        updates = self._rules.update(tracks)
        self._count(tracks)
        message = TracksMessage(
            camera=self._camera,
            capture_ns=tracks.capture_ns,
            wall_ns=tracks.capture_ns + wall_offset_ns,
            moving=moving,
            aspect=tracks.aspect,
            tracks=tracks.to_contract(self._labels, self._rules.zones_of(tracks)),
        )
        moment = Moment(message)
        for update in updates:
            event, picture = self._event(update, wall_offset_ns)
            moment.events.append(event)
            if picture is not None:
                moment.pictures.append(picture)
        return moment

    def _count(self, tracks: Tracks) -> None:
        self.tracks_now = len(tracks)
        self.boxes = tracks.boxes
        fresh = [number for number in tracks.ids.tolist() if number > self._highest]
        if fresh:
            self._highest = max(fresh)
            self.tracks_seen += len(fresh)

    def _event(self, update: RuleUpdate, wall_offset_ns: int) -> tuple[Event, Path | None]:
        event_id = self._ids.get(update.number)
        if event_id is None:
            event_id = self._ids[update.number] = new_id(update.start_ns + wall_offset_ns)
            self.events += 1
        picture: Path | None = None
        if update.take_picture:
            name = self._pictures[update.number] = f"{self._camera}/{event_id}.jpg"
            picture = self._media_dir / name
        event = Event(
            id=event_id,
            camera=self._camera,
            kind=update.kind,
            label=update.label,
            zone=update.zone,
            start_wall_ns=update.start_ns + wall_offset_ns,
            end_wall_ns=None if update.end_ns is None else update.end_ns + wall_offset_ns,
            score=update.score,
            best_wall_ns=None if update.best_ns is None else update.best_ns + wall_offset_ns,
            best_box=update.best_box,
            picture=self._pictures.get(update.number, ""),
            track=update.track,
            path=tuple(PathPoint(wall_ns=at_ns + wall_offset_ns, box=box) for at_ns, box in update.path),
            detail=_plain(update.detail),
        )
        if update.phase == "end":
            self._ids.pop(update.number, None)
            self._pictures.pop(update.number, None)
        return event, picture


def tracker_settings(score: float) -> TrackerSettings:
    """The tracker's own settings, with new objects believed from ``score`` on."""
    usual = TrackerSettings()
    return usual.model_copy(
        update={
            "new_score": score,
            "high_score": min(usual.high_score, score),
            "low_score": min(usual.low_score, score),
        }
    )


def write_pictures(paths: list[Path], jpeg: bytes) -> None:
    """Write one frame's picture to each of ``paths``; readers see the old one or the new one, never a part."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_bytes(jpeg)
        os.replace(draft, path)


def _plain(detail: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in detail.items()}
