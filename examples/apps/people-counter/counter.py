"""Counts people whose feet cross a line: to its right is in, to its left is out."""

from eyespot.contracts.track import TracksMessage
from eyespot.sdk import Service


class Counter(Service):
    def on_start(self) -> None:
        self.count = {"in": 0, "out": 0}
        self.sides: dict[int, bool] = {}
        self.state(**self.count)

    def on_tracks(self, tracks: TracksMessage) -> None:
        people = {one.id: one.box for one in tracks.tracks if one.label == "person"}
        before = self.sides
        self.sides = {track: self.is_right((box[0] + box[2]) / 2, box[3]) for track, box in people.items()}
        for track, is_right in self.sides.items():
            if before.get(track, is_right) != is_right:
                way = "in" if is_right else "out"
                self.count[way] += 1
                self.emit("count", camera=tracks.camera, track=track, way=way, **self.count)
                self.state(**self.count)

    def is_right(self, x: float, y: float) -> bool:
        """Whether a point lies right of the line, looking from its beginning to its end (y grows downwards)."""
        line = self.settings
        return (line.x2 - line.x1) * (y - line.y1) - (line.y2 - line.y1) * (x - line.x1) > 0
