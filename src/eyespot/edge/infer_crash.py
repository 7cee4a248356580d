"""The event of a death of an inference process: over as soon as it is told, for the process starts again."""

from eyespot.contracts.event import Event
from eyespot.edge.infer_process import Crash
from eyespot.edge.layout import HOST
from eyespot.kernel.ids import new_id

LABEL = "inference"


def crash_event(crash: Crash, now_ns: int, label: str = LABEL) -> Event:
    """How it died, in what, and what the next one leaves alone."""
    detail = {"exit": crash.how, "died_in": list(crash.died_in), "avoided": list(crash.avoided)}
    return Event(
        id=new_id(now_ns), camera=HOST, kind="process", label=label, start_wall_ns=now_ns, end_wall_ns=now_ns,
        detail=detail,
    )  # fmt: skip
