"""The sum of what the processes of one run said of themselves: one JSON object at the end of `camera run --json`."""

from collections.abc import Mapping
from typing import Any

from eyespot.contracts.status import StatusMessage

_SUMS = (
    "frames_in",
    "frames_decoded",
    "frames_dropped",
    "detections",
    "tracks",
    "events",
    "segments",
    "bytes_recorded",
    "record_dropped",
    "reconnects",
)
MAX_ERRORS = 50


class Summary:
    """Adds up counters over cameras, processes and restarts. Counters of a process that died are kept."""

    def __init__(self) -> None:
        self._now: dict[str, StatusMessage] = {}
        self._past: dict[str, float] = {}
        self._errors: dict[str, None] = {}
        self.url: str | None = None

    def note(self, message: StatusMessage) -> None:
        """Take in a status report."""
        before = self._now.get(message.role)
        if before is not None and before.pid != message.pid:
            for name, value in _counters(before).items():
                self._past[name] = self._past.get(name, 0) + value
        self._now[message.role] = message
        url = message.totals.get("url")
        if isinstance(url, str):
            self.url = url
        for camera, values in message.cameras.items() if message.role == "media" else ():
            if values.get("error"):
                self.error(f"{camera}: {values['error']}")
        failures = message.totals.get("errors")
        for name, text in failures.items() if isinstance(failures, dict) else ():
            self.error(f"{message.role} {name}: {text}")

    def error(self, text: str) -> None:
        """Add an error for the report; repeated ones count once, and no more than ``MAX_ERRORS`` are kept."""
        if len(self._errors) < MAX_ERRORS:
            self._errors[text] = None

    def document(self, wall_s: float) -> dict[str, Any]:
        """The report."""
        sums = dict(self._past)
        for message in self._now.values():
            for name, value in _counters(message).items():
                sums[name] = sums.get(name, 0) + value
        whole = {name: int(sums.get(name, 0)) for name in _SUMS}
        vision = self._now.get("vision")
        totals: Mapping[str, Any] = vision.totals if vision else {}
        return {
            "url": self.url,
            "seconds": round(wall_s, 1),
            "frames": {part: whole.pop(f"frames_{part}") for part in ("in", "decoded", "dropped")},
            **whole,
            "detections_per_s": totals.get("detections_per_s"),
            "latency_p50_ms": totals.get("latency_p50_ms"),
            "latency_p95_ms": totals.get("latency_p95_ms"),
            "errors": list(self._errors),
        }


def _counters(message: StatusMessage) -> dict[str, float]:
    found: dict[str, float] = {}
    for values in message.cameras.values():
        counts = values.get("counts")
        for name, value in counts.items() if isinstance(counts, dict) else ():
            if name in _SUMS and isinstance(value, int):
                found[name] = found.get(name, 0) + value
    return found
