"""Outputs switched by services: checked against what each was granted, passed on to the media process, told as events.

The bus server lets a service ask below its own name and for granted outputs alone; here it is checked again, and how
often: relays wear out. Every switch is in the media process's log and an event ``<service>.output`` of the host.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus, Message
from eyespot.contracts.event import Event
from eyespot.contracts.output import OutputCommand, OutputRequest, OutputsReport
from eyespot.contracts.service import OUTPUT_EVENT
from eyespot.contracts.service_bus import MAX_DOCUMENT_BYTES
from eyespot.edge.layout import HOST
from eyespot.edge.services.bucket import Bucket
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found
from eyespot.kernel.ids import new_id

SWITCHES_PER_S, AT_ONCE = 1.0, 4.0
"""How often one service may switch, all its outputs together."""
_KEPT_REFUSALS = 16

Granted = Callable[[str], tuple[str, ...] | None]
"""Outputs of a service that runs now; None when there is none of that name."""


class ServiceOutputs:
    """Answers from ``open`` until the bus is closed.

    Args:
        submit: takes an event to be stored and published; never waits.
    """

    def __init__(self, bus: Bus, granted: Granted, clock: Clock, submit: Callable[[Event], None]) -> None:
        self._bus, self._granted, self._clock, self._submit = bus, granted, clock, submit
        self._buckets: dict[str, Bucket] = {}
        self._switched: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: dict[str, deque[str]] = {}

    async def open(self) -> None:
        """Begin to answer."""
        await self._bus.serve_matching(subjects.service_output(subjects.EVERY, subjects.EVERY), self.answer)

    async def answer(self, message: Message) -> bytes:
        """Switch; the answer is an ``OutputReport``, JSON. The server has made sure whose subject it is.

        Raises:
            EyespotError: ``NOT_FOUND``, ``FORBIDDEN``, ``THROTTLED``, ``INVALID``, and what the media process refuses.
        """
        name, output = subjects.service_of(message.subject), subjects.last_part(message.subject)
        granted = self._granted(name)
        if granted is None:
            raise not_found(f"No service '{name}' is running.")
        try:
            return await self._switch(name, output, granted, message.data)
        except EyespotError as error:
            self._refused[name] += 1
            self._last.setdefault(name, deque(maxlen=_KEPT_REFUSALS)).append(str(error)[:200])
            raise

    def of(self, name: str) -> dict[str, Any]:
        """Counters of one service, and its last refusals in words."""
        return {
            "outputs": {
                "switched": self._switched[name], "refused": self._refused[name],
                "refusals": list(self._last.get(name, ())),
            }
        }  # fmt: skip

    async def _switch(self, name: str, output: str, granted: tuple[str, ...], data: bytes) -> bytes:
        if output not in granted:
            raise EyespotError(
                Kind.FORBIDDEN, f"{name} may not switch '{output}'.", f"It was granted: {', '.join(granted) or 'none'}."
            )
        bucket = self._buckets.setdefault(name, Bucket(SWITCHES_PER_S, self._clock, AT_ONCE))
        if (wait_s := bucket.wait_s(1.0)) > 0:
            raise EyespotError(
                Kind.THROTTLED, f"{name} switches more than {SWITCHES_PER_S:g} a second.", f"Wait {wait_s:.1f} s."
            )
        bucket.take(1.0)
        command = _command(data)
        pulse = command.do == "pulse"
        request = OutputRequest(
            do="pulse" if pulse else "set", name=output, on=None if pulse else command.do == "on",
            seconds=command.seconds, by=f"service {name}",
        )  # fmt: skip
        answer = await self._bus.request(subjects.control("media"), request.model_dump_json().encode())
        self._switched[name] += 1
        self._submit(_told(name, output, command, self._clock.wall_ns()))
        reports = OutputsReport.model_validate_json(answer).outputs
        return next(report for report in reports if report.name == output).model_dump_json().encode()


def _command(data: bytes) -> OutputCommand:
    try:
        if len(data) > MAX_DOCUMENT_BYTES:
            raise ValueError("too long")
        return OutputCommand.model_validate_json(data)
    except (ValidationError, ValueError) as error:
        raise invalid("A request to an output does not parse.", "See OutputCommand in docs/guide/bus.md.") from error


def _told(service: str, output: str, command: OutputCommand, now_ns: int) -> Event:
    detail = {"output": output, **command.model_dump(exclude={"v"}, exclude_none=True)}
    return Event(
        id=new_id(now_ns), camera=HOST, kind="service", label=f"{service}.{OUTPUT_EVENT}", start_wall_ns=now_ns,
        end_wall_ns=now_ns, detail=detail,
    )  # fmt: skip
