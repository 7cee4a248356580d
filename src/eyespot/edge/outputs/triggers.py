"""Which outputs an event pulses: each event of a zone or line that names outputs asks once, when it is new. Pure."""

from collections import OrderedDict
from dataclasses import dataclass

from eyespot.contracts.event import Event
from eyespot.edge.config import CameraHostConfig
from eyespot.kernel.clock import from_seconds

STALE_S = 10.0
"""An event that began longer ago asks for nothing: what happened while nobody listened does not open a gate later."""
MAX_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Ask:
    """A pulse that an event asks for; ``seconds`` None: as the output's settings say; ``why`` for the log."""

    output: str
    seconds: float | None
    why: str


@dataclass(frozen=True, slots=True)
class _Rule:
    outputs: tuple[str, ...]
    seconds: float | None


class Triggers:
    """Remembers which events have asked already, the newest ``MAX_REMEMBERED``."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str, str], _Rule] = {}
        self._asked: OrderedDict[str, None] = OrderedDict()

    def replace(self, config: CameraHostConfig) -> None:
        """Ask by the rules of ``config`` from now on."""
        self._rules = {}
        for camera in config.enabled_cameras:
            for zone in camera.zone:
                self._rules[camera.id, zone.name, zone.pulse_on] = _Rule(zone.outputs, zone.pulse_s)
            for line in camera.line:
                self._rules[camera.id, line.name, "line"] = _Rule(line.outputs, line.pulse_s)

    def asked(self, event: Event, wall_ns: int) -> tuple[Ask, ...]:
        """What ``event``, heard of at ``wall_ns``, asks for; nothing when it was heard of before or is old news."""
        rule = self._rules.get((event.camera, event.zone, event.kind))
        if rule is None or not rule.outputs or event.id in self._asked:
            return ()
        self._asked[event.id] = None
        if len(self._asked) > MAX_REMEMBERED:
            self._asked.popitem(last=False)
        if wall_ns - event.start_wall_ns > from_seconds(STALE_S):
            return ()
        why = f"{event.kind} event of {event.zone}, camera {event.camera}"
        return tuple(Ask(name, rule.seconds, why) for name in rule.outputs)
