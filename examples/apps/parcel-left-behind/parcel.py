"""Says when an object stays where it is, looks as it did, and nobody is near: tracks tell where, pixels that it is it.

Tracks may be lost while somebody walks past; the picture decides then, so a waiting object is kept while its place
looks the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.track import Track, TracksMessage
from eyespot.kernel.clock import from_seconds
from eyespot.sdk import Service
from eyespot.sdk.ring_reader import RingFrame

MAX_WATCHED = 64
Box = tuple[float, float, float, float]


@dataclass
class Watched:
    """One object that may have been left. ``look`` is its place in the picture when it was first seen there."""

    track: int
    label: str
    box: Box
    look: NDArray[np.int16]
    since_ns: int
    since_wall_ns: int
    event: str = ""


class Parcel(Service):
    def on_start(self) -> None:
        self.tracks: TracksMessage | None = None
        self.watched: dict[int, Watched] = {}

    def on_tracks(self, tracks: TracksMessage) -> None:
        self.tracks = tracks

    def on_frame(self, view: str, frame: RingFrame) -> None:
        if self.tracks is None:
            return
        people = [one.box for one in self.tracks.tracks if one.label == "person"]
        for track in self.tracks.tracks:
            if track.label in self.settings.labels:
                self.meet(track, frame)
        for one in list(self.watched.values()):
            if is_near(one.box, people, self.settings.near):
                self.restart(one, frame)
            elif float(np.abs(cut(frame, one.box) - one.look).mean()) > self.settings.change:
                self.forget(one, frame)
            elif not one.event and frame.stamp.capture_ns - one.since_ns >= from_seconds(self.settings.after_s):
                one.event = self.say(one)
        self.state(watched=len(self.watched), left=sum(bool(one.event) for one in self.watched.values()))

    def meet(self, track: Track, frame: RingFrame) -> None:
        """Watch an object that is new or was moved; what already lies there under another number is the same one."""
        if any(overlap(one.box, track.box) > 0.5 for one in self.watched.values()) or len(self.watched) >= MAX_WATCHED:
            return
        moved = self.watched.get(track.id)
        if moved is not None:
            self.forget(moved, frame)
        look = cut(frame, track.box)
        if look.size:
            stamp = frame.stamp
            self.watched[track.id] = Watched(track.id, track.label, track.box, look, stamp.capture_ns, stamp.wall_ns)

    def restart(self, one: Watched, frame: RingFrame) -> None:
        """Somebody is with it: its time begins anew once they are gone, unless it was told already."""
        if not one.event:
            one.since_ns, one.since_wall_ns = frame.stamp.capture_ns, frame.stamp.wall_ns

    def forget(self, one: Watched, frame: RingFrame) -> None:
        """Its place looks otherwise: it is gone, and so is what was told of it."""
        if one.event:
            self.say(one, end_wall_ns=frame.stamp.wall_ns)
        del self.watched[one.track]

    def say(self, one: Watched, **more: int) -> str:
        """Its event, at its start or its end."""
        return self.emit(
            "left", event_id=one.event, start_wall_ns=one.since_wall_ns, track=one.track, label=one.label,
            best_wall_ns=one.since_wall_ns, best_box=one.box, **more,
        )  # fmt: skip


def cut(frame: RingFrame, box: Box) -> NDArray[np.int16]:
    """The pixels within ``box``."""
    height, width = frame.pixels.shape
    x1, y1, x2, y2 = (max(0.0, min(1.0, side)) for side in box)
    part = frame.pixels[int(y1 * height) : round(y2 * height), int(x1 * width) : round(x2 * width)]
    return part.astype(np.int16)


def is_near(box: Box, people: list[Box], margin: float) -> bool:
    """Whether a person's box comes within ``margin`` of ``box``."""
    x1, y1, x2, y2 = box
    return any(
        left < x2 + margin and right > x1 - margin and top < y2 + margin and bottom > y1 - margin
        for left, top, right, bottom in people
    )


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
