"""Every subject on the camera's bus with its payload: the source of docs/guide/bus.md, and of whoever asks."""

from dataclasses import dataclass

from pydantic import BaseModel

from eyespot.bus import access, subjects
from eyespot.bus.discovery_subjects import VERBS
from eyespot.contracts.event import Event
from eyespot.contracts.output import OutputCommand
from eyespot.contracts.service_access import ServiceUser
from eyespot.contracts.service_bus import Beat, ServiceEvent, ServiceState
from eyespot.contracts.status import StatusMessage
from eyespot.contracts.track import TracksMessage
from eyespot.contracts.zones import ZonesMessage

SERVICE = "NAME"
"""Stands for any service."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject.

    Attributes:
        subject: with ``*`` for any camera, role, service or verb.
        payload: the document's type; None where ``says`` says it all.
    """

    subject: str
    payload: type[BaseModel] | None
    says: str

    @property
    def version(self) -> str:
        """Version of the document, empty where there is none."""
        field = self.payload.model_fields.get("v") if self.payload else None
        return "" if field is None else str(field.default)


def entries() -> tuple[Entry, ...]:
    """All of them."""
    every = subjects.EVERY
    return (
        Entry(subjects.tracks(every), TracksMessage, "Tracks of one camera, each time it was looked at."),
        Entry(subjects.events(every), Event, "An event of one camera began, is known better, or ended; it is stored."),
        Entry(
            subjects.zones(every),
            ZonesMessage,
            "Zones and lines of one camera, when they change, and every ten seconds.",
        ),
        Entry(subjects.status(every), StatusMessage, "How one process is, every two seconds."),
        Entry(subjects.config_changed(), None, "The config file was replaced; no payload."),
        Entry(subjects.control(every), None, "A request to one process, answered; JSON of that process's own."),
        Entry(subjects.service_event(every), ServiceEvent, "A service found something."),
        Entry(subjects.service_beat(every), Beat, "A service is alive, every two seconds."),
        Entry(subjects.service_state(every), ServiceState, "Live state of a service, for people to look at."),
        Entry(subjects.service_config(every), None, "The settings of a service, after a change: a JSON object."),
        Entry(subjects.service_request(every, every), None, "A request to a service, answered; JSON of its own."),
        Entry(
            subjects.service_output(every, every),
            OutputCommand,
            "A service switches an output that it was granted; answered with an OutputReport.",
        ),
        *(
            Entry(
                f"$SRV.{verb}[.NAME[.ID]]", None, "NATS Services API (ADR-32 of NATS), answered by all that are there."
            )
            for verb in VERBS
        ),
    )


def speakers() -> dict[str, tuple[access.Subjects, access.Subjects]]:
    """Everybody on the bus, and what each may say and hear; a service is shown with everything granted."""
    anyone = ServiceUser(
        name="name",
        public_key="U" + "A" * 55,
        cameras=("camera",),
        read=("tracks", "events", "zones"),
        ask=("other",),
        outputs=("siren",),
    )
    found = {str(role): access.role_permissions(role) for role in subjects.ROLES}
    return {**found, "a service": access.service_permissions(anyone)}
