"""Who may say and hear what on the bus: one permission set per process and per service. Pure.

Services speak below their own name alone and hear what they were granted. Answers to requests are let through by the
server itself (``allow_responses``). Nobody of ours and no service is let near JetStream's API.
"""

from collections.abc import Sequence
from typing import Any

from eyespot.bus import discovery_subjects, subjects
from eyespot.contracts.service_access import ServiceUser
from eyespot.contracts.status import Role

Subjects = Sequence[str]


def process_name(role: Role) -> str:
    """What a process of the host is called in the NATS Services API."""
    return f"eyespot-{role}"


def inbox_of_role(role: Role) -> str:
    """Prefix of the subjects on which a process takes answers."""
    return f"_INBOX_{role}"


def inbox_of_service(name: str) -> str:
    """Prefix of the subjects on which a service takes answers."""
    return f"_INBOX.service.{name}"


def role_permissions(role: Role) -> tuple[Subjects, Subjects]:
    """What ``role`` may publish and what it may listen to."""
    every = subjects.EVERY
    said: dict[Role, list[str]] = {
        # The server forgets whom an answer is owed when it reloads, which the supervisor tells it for the services'.
        "supervisor": [
            subjects.events(every), subjects.config_changed(), subjects.control(every),
            f"{inbox_of_role('services')}.>",
        ],
        "media": [subjects.events(every)],
        "vision": [subjects.events(every), subjects.tracks(every)],
        "api": [
            subjects.config_changed(), subjects.control(every), subjects.service_request(every, every),
            *discovery_subjects.asked(),
        ],
        "frames": [],
        "operator": [
            subjects.control("media"), subjects.control("services"), subjects.control("frames"),
            *discovery_subjects.asked(),
        ],
        "services": [
            subjects.events(every), subjects.control("supervisor"), subjects.control("frames"),
            subjects.control("media"), f"{inbox_of_service(every)}.>", subjects.service_config(every),
            subjects.service_request(every, every), subjects.zones(every),
        ],
    }  # fmt: skip
    heard: dict[Role, list[str]] = {
        "supervisor": [subjects.status(every), subjects.events(every)],
        "media": [subjects.status("vision"), subjects.events(every)],
        "vision": [subjects.status("services")],
        "api": [subjects.status(every), subjects.events(every), subjects.tracks(every), subjects.service_state(every)],
        "frames": [subjects.tracks(every)],
        "operator": [],
        "services": [
            subjects.service_event(every),
            subjects.service_beat(every),
            subjects.service_output(every, every),
            subjects.status("frames"),
            subjects.status("vision"),
        ],
    }
    listen = [
        subjects.config_changed(), subjects.control(role), f"{inbox_of_role(role)}.>",
        *discovery_subjects.answered(process_name(role)),
    ]  # fmt: skip
    return [*said[role], subjects.status(role)], [*heard[role], *listen]


def service_permissions(user: ServiceUser) -> tuple[Subjects, Subjects]:
    """What a service may publish and what it may listen to."""
    name = user.name
    said = [
        subjects.service_event(name), subjects.service_state(name), subjects.service_beat(name),
        *(subjects.service_request(asked, subjects.EVERY) for asked in user.ask),
        *(subjects.service_output(name, output) for output in user.outputs),
    ]  # fmt: skip
    heard = [
        subjects.service_config(name), subjects.service_request(name, subjects.EVERY),
        f"{inbox_of_service(name)}.>", *discovery_subjects.answered(name),
    ]  # fmt: skip
    kinds = {"tracks": subjects.tracks, "events": subjects.events, "zones": subjects.zones}
    return said, [*heard, *(kinds[kind](camera) for kind in user.read for camera in user.cameras)]


def user_entry(public_key: str, permissions: tuple[Subjects, Subjects]) -> dict[str, Any]:
    """One user as the server's configuration has it."""
    publish, subscribe = permissions
    return {
        "nkey": public_key,
        "permissions": {
            "publish": {"allow": list(publish)},
            "subscribe": {"allow": list(subscribe)},
            "allow_responses": {"max": 1, "expires": "10s"},
        },
    }
