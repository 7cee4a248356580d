"""The picture's health as events: blind, covered, moved, frozen, blurred. Joins ``vision.health`` to ids and times."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.event import Event
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.ids import new_id
from eyespot.vision.health import HealthUpdate, SceneHealth

EVERY_NS = 1 * NS_PER_S
KEY_EVERY_NS = EVERY_NS // 2
"""Key frames are worth a look earlier: they are coded afresh."""


class HealthWatch:
    """Looks at one camera's small grey images, about one a second."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._health = SceneHealth()
        self._open: dict[str, Event] = {}
        self._due_ns = 0

    @property
    def findings(self) -> list[str]:
        """What is wrong with the picture now."""
        return sorted(self._open)

    def look(
        self, grey: NDArray[np.uint8], capture_ns: int, wall_offset_ns: int, *, is_key: bool = True
    ) -> list[Event]:
        """Events that ``grey`` starts or ends; most images are passed over."""
        if capture_ns < self._due_ns - (KEY_EVERY_NS if is_key else 0):
            return []
        self._due_ns = capture_ns + EVERY_NS
        updates = self._health.update(grey, capture_ns, is_key=is_key)
        return [self._event(update, wall_offset_ns) for update in updates]

    def finish(self, at_ns: int, wall_offset_ns: int) -> list[Event]:
        """The picture ends here: what lasts ends with it."""
        wall_ns = at_ns + wall_offset_ns
        ended = [_ended(event, wall_ns, {"interrupted": True}) for event in self._open.values()]
        self._open.clear()
        return ended

    def _event(self, update: HealthUpdate, wall_offset_ns: int) -> Event:
        start_ns = update.start_ns + wall_offset_ns
        event = self._open.pop(update.kind, None) or Event(
            id=new_id(start_ns), camera=self._camera, kind=update.kind, start_wall_ns=start_ns, detail=update.detail
        )
        if update.end_ns is not None:
            return _ended(event, update.end_ns + wall_offset_ns, update.detail)
        self._open[update.kind] = event
        return event


def _ended(event: Event, wall_ns: int, detail: dict[str, Any]) -> Event:
    end_ns = max(event.start_wall_ns, wall_ns)
    return event.model_copy(update={"end_wall_ns": end_ns, "detail": {**event.detail, **detail}})
