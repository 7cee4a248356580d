"""Answers the NATS Services API (ADR-32 of NATS), so that any NATS client can find who is on the camera's bus.

Our own few lines and not ``nats.micro``: that reads the clock itself, opens queues of half a million messages, and has
errors of another shape than ``contract.Bus``. What it asks and reads is what tests check these answers with.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from eyespot.bus.discovery_subjects import VERBS, listened
from eyespot.kernel.clock import NS_PER_S, Clock

MAX_ENDPOINTS = 64
Answer = Callable[[], bytes]
Serve = Callable[[str, Answer], Awaitable[None]]


@dataclass(slots=True)
class Endpoint:
    """A subject that is served, and its counters; times in nanoseconds."""

    subject: str
    requests: int = 0
    errors: int = 0
    last_error: str = ""
    processing_ns: int = 0

    @property
    def name(self) -> str:
        """Its last part, as ADR-32 wants a word without dots."""
        return self.subject.rpartition(".")[2].replace("*", "any").replace(">", "all")

    def note(self, took_ns: int, error: str = "") -> None:
        """One request was answered."""
        self.requests += 1
        self.processing_ns += took_ns
        if error:
            self.errors += 1
            self.last_error = error[:200]


@dataclass(frozen=True, slots=True)
class About:
    """One who answers.

    Attributes:
        name: ``A-Z a-z 0-9 - _``.
        version: a semantic version.
        instance: unique among all that are running.
        metadata: words about it, for example what it provides.
    """

    name: str
    version: str
    instance: str
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


class Discovery:
    """The answers of one who is ``about``; ``endpoints`` is read for each."""

    def __init__(self, about: About, clock: Clock, endpoints: Sequence[Endpoint] = ()) -> None:
        self.about = about
        self._endpoints = endpoints
        self._started_ns = clock.wall_ns()

    async def open(self, serve: Serve) -> None:
        """Answer every verb by means of ``serve``."""
        answers: dict[str, Answer] = {"PING": self._ping, "INFO": self._info, "STATS": self._stats}
        for verb in VERBS:
            for subject in listened(verb, self.about.name, self.about.instance):
                await serve(subject, answers[verb])

    def _document(self, kind: str, more: dict[str, Any]) -> bytes:
        about = self.about
        head = {"type": f"io.nats.micro.v1.{kind}_response", "name": about.name, "id": about.instance}
        return json.dumps({**head, "version": about.version, "metadata": about.metadata, **more}).encode()

    def _ping(self) -> bytes:
        return self._document("ping", {})

    def _info(self) -> bytes:
        found = [{**_named(one), "metadata": {}} for one in self._endpoints[:MAX_ENDPOINTS]]
        return self._document("info", {"description": self.about.description, "endpoints": found})

    def _stats(self) -> bytes:
        found = [{**_named(one), **_counters(one)} for one in self._endpoints[:MAX_ENDPOINTS]]
        return self._document("stats", {"started": _rfc3339(self._started_ns), "endpoints": found})


def _named(endpoint: Endpoint) -> dict[str, str]:
    return {"name": endpoint.name, "subject": endpoint.subject, "queue_group": ""}


def _counters(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "num_requests": endpoint.requests,
        "num_errors": endpoint.errors,
        "last_error": endpoint.last_error,
        "processing_time": endpoint.processing_ns,
        "average_processing_time": endpoint.processing_ns // max(1, endpoint.requests),
        "data": None,
    }


def _rfc3339(wall_ns: int) -> str:
    whole, rest = divmod(wall_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
