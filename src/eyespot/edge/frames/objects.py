"""Which tracked objects a view shows, and where they are at a picture's moment."""

from eyespot.contracts.ring import MAX_OBJECTS
from eyespot.contracts.ring_slot import SeenObject
from eyespot.contracts.track import Track, TracksMessage
from eyespot.contracts.view import View
from eyespot.edge.frames.cut import Sighting
from eyespot.kernel.clock import seconds
from eyespot.media.pixels import Box

LONGEST_MOVE_S = 0.5
"""Objects are moved on by their velocity for so long at most."""
STALE_S = 2.0
"""Tracks older than this say nothing any more, unless the picture was still: then detection rests."""
STALE_STILL_S = 30.0


def seen_in(view: View, message: TracksMessage | None, capture_ns: int) -> Sighting:
    """The objects of ``message`` that ``view`` shows at ``capture_ns``, the surest first, within its region.

    Boxes are moved on from the tracks' moment by their velocity, clipped to the region and given in its fractions; what
    lies outside of it is not told, and no more than ``MAX_OBJECTS`` are.
    """
    if message is None:
        return Sighting()
    age_s = seconds(capture_ns - message.capture_ns)
    if age_s > (STALE_S if message.moving else STALE_STILL_S):
        return Sighting()
    move_s = max(-LONGEST_MOVE_S, min(age_s, LONGEST_MOVE_S)) if message.moving else 0.0
    found = []
    for track in sorted(message.tracks, key=lambda one: -one.score):
        if view.labels and track.label not in view.labels:
            continue
        box = _within(_moved(track, move_s), view.region)
        if box is not None:
            found.append(SeenObject(track.id, track.label, track.score, box))
    return Sighting(tuple(found[:MAX_OBJECTS]), message.capture_ns)


def _moved(track: Track, move_s: float) -> Box:
    right, down = (speed * move_s for speed in track.velocity)
    x1, y1, x2, y2 = track.box
    return x1 + right, y1 + down, x2 + right, y2 + down


def _within(box: Box, region: Box) -> Box | None:
    """``box`` clipped to ``region``, in its fractions; None outside of it."""
    left, top, right, bottom = region
    x1, y1, x2, y2 = max(box[0], left), max(box[1], top), min(box[2], right), min(box[3], bottom)
    if not (x1 < x2 and y1 < y2):
        return None
    width, height = right - left, bottom - top
    return (x1 - left) / width, (y1 - top) / height, (x2 - left) / width, (y2 - top) / height
