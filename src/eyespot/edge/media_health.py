"""Events about the host's own senses and disks: signal lost, storage trouble, clock moved. Pure: told, never asks."""

from collections.abc import Callable

from eyespot.contracts.event import Event
from eyespot.edge.layout import HOST
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.ids import new_id

LOST_AFTER_NS = 5 * NS_PER_S
JUMP_NS = 1 * NS_PER_S

Submit = Callable[[Event], None]


class SignalWatch:
    """One stream: an event when it has not been live for a while, ended when it is again."""

    def __init__(self, camera: str, stream: str, clock: Clock, submit: Submit) -> None:
        self._camera = camera
        self._stream = stream
        self._clock = clock
        self._submit = submit
        self._down_since_ns: int | None = None
        self._event: Event | None = None

    def look(self, state: str, error: str | None, last_packet_ns: int | None = None) -> None:
        """Take note of the stream's state (of ``media.ingest``) now; the event starts at the last packet there was."""
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        if state in ("live", "ended"):
            self._down_since_ns = None
            self.close()
            return
        if self._down_since_ns is None:
            self._down_since_ns = last_packet_ns or now_ns
        down_ns = now_ns - self._down_since_ns
        if self._event is None and down_ns >= LOST_AFTER_NS:
            self._event = Event(
                id=new_id(wall_ns),
                camera=self._camera,
                kind="signal-lost",
                start_wall_ns=wall_ns - down_ns,
                detail={"stream": self._stream, "error": error or ""},
            )
            self._submit(self._event)

    def close(self) -> None:
        """The stream is live again, or is not wanted any more."""
        if self._event is not None:
            self._submit(self._event.model_copy(update={"end_wall_ns": self._clock.wall_ns()}))
            self._event = None


class StorageWatch:
    """The disks: one event from the first trouble until all is well."""

    def __init__(self, clock: Clock, submit: Submit) -> None:
        self._clock = clock
        self._submit = submit
        self._event: Event | None = None

    @property
    def trouble(self) -> str:
        """What is wrong now, empty when nothing is."""
        return str(self._event.detail["text"]) if self._event else ""

    def told(self, kind: str, text: str) -> None:
        """``kind`` is ``full``, ``failed`` or ``ok``."""
        wall_ns = self._clock.wall_ns()
        if kind == "ok":
            if self._event is not None:
                self._submit(self._event.model_copy(update={"end_wall_ns": wall_ns}))
            self._event = None
            return
        event = self._event or Event(id=new_id(wall_ns), camera=HOST, kind="storage", start_wall_ns=wall_ns)
        self._event = event.model_copy(update={"label": kind, "detail": {"text": text}})
        self._submit(self._event)


class ClockWatch:
    """The wall clock against the monotonic one: a jump is a momentary event."""

    def __init__(self, clock: Clock, submit: Submit) -> None:
        self._clock = clock
        self._submit = submit
        self._offset_ns = clock.wall_ns() - clock.monotonic_ns()

    def look(self) -> None:
        """Compare now; call every few seconds (slow drift is followed silently)."""
        wall_ns = self._clock.wall_ns()
        offset_ns = wall_ns - self._clock.monotonic_ns()
        jump_ns, self._offset_ns = offset_ns - self._offset_ns, offset_ns
        if abs(jump_ns) > JUMP_NS:
            self._submit(
                Event(
                    id=new_id(wall_ns),
                    camera=HOST,
                    kind="clock",
                    start_wall_ns=wall_ns,
                    end_wall_ns=wall_ns,
                    detail={"jump_s": round(jump_ns / NS_PER_S, 3)},
                )
            )
