"""Places on the bus for services: keys are made here, stay in memory, and the supervisor is told whom to let in.

The bus server reloads when it is told, which may cost others an answer that is under way. So a service keeps its place
from one life to the next while what it may say and hear is the same: no service ever holds its key, so a place without
a relay opens nothing to anybody. Those who come at the same time are told together.
"""

import asyncio

from eyespot.bus import server, subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.service_access import ServiceUser, ServiceUsers
from eyespot.edge.services.granted import cameras_of
from eyespot.edge.services.installed import Checked
from eyespot.edge.services.sign_in import Place

LET_IN_S = 10.0


class Admission:
    """Of one services process; the next one begins with new keys."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = asyncio.Lock()
        self._given: dict[str, tuple[ServiceUser, Place]] = {}
        self._wanted = self._told = 0

    async def admit(self, checked: Checked) -> Place:
        """The place of a service; raises ``UNAVAILABLE`` when the supervisor does not answer."""
        known = self._given.get(checked.row.name)
        if known is not None and known[0] == _user(checked, known[0].public_key):
            return known[1]
        seed, public = server.new_key()
        user, place = _user(checked, public), Place(checked.row.name, public, seed)
        self._given[user.name] = user, place
        self._wanted += 1
        try:
            await self._tell(self._wanted)
        except BaseException:  # whatever ended it: the server may not know the place, so it is not given again
            self.forget(user.name)
            raise
        return place

    def forget(self, name: str) -> None:
        """A service is kept no more, or the server does not know its place: the next telling is without it."""
        self._given.pop(name, None)

    async def _tell(self, wanted: int) -> None:
        async with self._lock:
            if self._told >= wanted:
                return  # somebody who came later has told of both
            telling = self._wanted
            users = ServiceUsers(users=tuple(user for user, _ in self._given.values()))
            await self._bus.request(subjects.control("supervisor"), users.model_dump_json().encode(), LET_IN_S)
            self._told = telling


def _user(checked: Checked, public_key: str) -> ServiceUser:
    granted = checked.row.granted
    return ServiceUser(
        name=checked.row.name, public_key=public_key, cameras=cameras_of(checked.manifest, granted),
        read=granted.read, ask=granted.ask, outputs=granted.outputs,
    )  # fmt: skip
