"""Who is where at one moment. Pure."""

from collections.abc import Mapping, Sequence

from eyespot.sdk import TracksMessage
from eyespot.sdk.regions import Region, foot_point

PICTURE = "picture"
"""Names the whole picture among the places; a zone or region of that name is counted with it."""
Groups = Mapping[str, Sequence[str]]
Present = dict[str, dict[str, set[int]]]
"""Place → group → ids of the tracks that are there."""


def present(message: TracksMessage, groups: Groups, regions: Sequence[Region], zones: Sequence[str] = ()) -> Present:
    """Who is in the picture, in each of ``regions``, in each of ``zones`` and in every other zone that holds anybody.

    Args:
        groups: name of a group → labels that belong to it.
        zones: names of the camera's own, as far as they are known.
    """
    places = [PICTURE, *(region.name for region in regions), *zones]
    found: Present = {place: {group: set() for group in groups} for place in places}
    for track in message.tracks:
        where = {PICTURE, *track.zones}
        foot = foot_point(track.box)
        where |= {region.name for region in regions if region.holds(foot)}
        for group, labels in groups.items():
            if track.label in labels:
                for place in where:
                    found.setdefault(place, {name: set() for name in groups})[group].add(track.id)
    return found


def numbers(there: Present) -> dict[str, dict[str, int]]:
    """How many are where."""
    return {place: {group: len(ids) for group, ids in groups.items()} for place, groups in there.items()}
