"""Every subject on the camera's bus, as functions: nobody writes a subject by hand.

What they carry is in ``catalogue``, who may say and hear them in ``access``; docs/guide/bus.md shows both.
"""

from typing import get_args

from eyespot.contracts.status import Role
from eyespot.kernel.errors import invalid
from eyespot.kernel.ids import is_slug

ROLES: tuple[Role, ...] = get_args(Role)
_ROOT = "eyespot"
EVERY = "*"
"""In place of a camera or role: listen to all of them."""


def tracks(camera: str) -> str:
    """Tracks of one camera, or of ``EVERY``."""
    return f"{_ROOT}.tracks.{_part(camera)}"


def events(camera: str) -> str:
    """Events of one camera, or of ``EVERY``."""
    return f"{_ROOT}.events.{_part(camera)}"


def zones(camera: str) -> str:
    """Zones and lines of one camera, or of ``EVERY``."""
    return f"{_ROOT}.zones.{_part(camera)}"


def status(role: str) -> str:
    """Status of one process, or of ``EVERY``."""
    return f"{_ROOT}.status.{_role(role)}"


def config_changed() -> str:
    """Said after the config file was replaced."""
    return f"{_ROOT}.config.changed"


def control(role: str) -> str:
    """Requests to one process."""
    return f"{_ROOT}.control.{_role(role)}"


def service_event(name: str) -> str:
    """What one service found, or ``EVERY``."""
    return f"{_ROOT}.service.{_part(name)}.event"


def service_beat(name: str) -> str:
    """One service's heartbeat, or ``EVERY``."""
    return f"{_ROOT}.service.{_part(name)}.beat"


def service_state(name: str) -> str:
    """One service's live state, or ``EVERY``."""
    return f"{_ROOT}.service.{_part(name)}.state"


def service_config(name: str) -> str:
    """One service's settings, said when they change, or ``EVERY``."""
    return f"{_ROOT}.service.{_part(name)}.config"


def service_request(name: str, verb: str) -> str:
    """Requests to one service, or ``EVERY``; for one verb, or ``EVERY``."""
    return f"{_ROOT}.service.{_part(name)}.request.{_part(verb)}"


def service_output(name: str, output: str) -> str:
    """Requests of one service, or ``EVERY``, to switch one output, or ``EVERY``."""
    return f"{_ROOT}.service.{_part(name)}.output.{_part(output)}"


def service_of(subject: str) -> str:
    """The service that a received ``eyespot.service.<name>.…`` names."""
    return subject.split(".")[2]


def last_part(subject: str) -> str:
    """The camera, role or output that a received ``subject`` names."""
    return subject.rpartition(".")[2]


def _part(text: str) -> str:
    if text != EVERY and not is_slug(text):
        raise invalid(f"'{text[:80]}' cannot be part of a bus subject.", "Use a-z, 0-9, - and _ only.")
    return text


def _role(text: str) -> str:
    if text != EVERY and text not in ROLES:
        raise invalid(f"There is no process called '{text[:80]}'.", f"Known are {', '.join(ROLES)}.")
    return text
