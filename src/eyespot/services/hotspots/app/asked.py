"""What a request for a map asks for."""

from dataclasses import dataclass
from typing import Any

from eyespot.sdk import invalid

ALL_DAY = (0, 24)


@dataclass(frozen=True, slots=True)
class Asked:
    """A span of time, hours of the day (from, up to) in it, and a form."""

    from_wall_ns: int
    to_wall_ns: int
    of_day: tuple[int, int]
    form: str


def read_asked(body: Any) -> Asked:
    """Raises ``INVALID`` that says what is wrong."""
    given = {} if body is None else body
    if not isinstance(given, dict) or set(given) - {"from_wall_ns", "to_wall_ns", "of_day", "form"}:
        raise invalid("A map is asked for with from_wall_ns, to_wall_ns, of_day and form.", "Leave the rest out.")
    begin, end = given.get("from_wall_ns", 0), given.get("to_wall_ns", 1 << 62)
    if type(begin) is not int or type(end) is not int:
        raise invalid("from_wall_ns and to_wall_ns are whole numbers.", "Give nanoseconds since 1970.")
    of_day = tuple(given.get("of_day", ALL_DAY))
    if len(of_day) != 2 or not all(type(hour) is int and 0 <= hour <= 24 for hour in of_day):
        raise invalid("of_day is two hours from 0 to 24.", "Give for example [8, 18], or [22, 6] for a night.")
    form = given.get("form", "json")
    if form not in ("json", "png"):
        raise invalid(f"There is no form '{str(form)[:20]}'.", "Ask for json or png.")
    return Asked(begin, end, (of_day[0], of_day[1]), str(form))


def is_of_day(hour: int, of_day: tuple[int, int]) -> bool:
    """Whether the hour that begins at ``hour`` o'clock is from the first up to the second; over midnight too."""
    begin, end = of_day
    return begin <= hour < end if begin < end else hour >= begin or hour < end
