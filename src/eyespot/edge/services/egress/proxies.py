"""The proxies of all services of one host: what they share, and how one is opened."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from eyespot.contracts.frames_door import Grant
from eyespot.edge.services.egress.limits import Counters, Limits
from eyespot.edge.services.egress.proxy import EgressProxy
from eyespot.edge.services.egress.reach import Outside
from eyespot.edge.services.egress.record import Connection
from eyespot.edge.services.egress.resolver import OneAtATime
from eyespot.kernel.clock import Clock

SOCKET = "net.sock"
"""Its name in a service's run folder."""


class Proxies:
    """Opens the proxy of each start of a service.

    Args:
        note: takes each new state of a connection; never waits.
        limits: asked at each opening.
    """

    def __init__(
        self, outside: Outside, note: Callable[[Connection], None], clock: Clock, limits: Callable[[], Limits] = Limits
    ) -> None:
        self._outside = outside
        self._note = note
        self._clock = clock
        self._limits = limits

    async def open(self, service: str, grant: Grant, granted: Iterable[str], counters: Counters) -> EgressProxy:
        """The proxy of one start of ``service``, listening in the folder of ``grant``'s socket; see ``EgressProxy``."""
        own = grant.model_copy(update={"socket": grant.socket.with_name(SOCKET)})
        outside = replace(self._outside, resolve=OneAtATime(self._outside.resolve))
        proxy = EgressProxy(
            service, own, granted, outside, self._note, self._clock, limits=self._limits(), counters=counters
        )
        await proxy.open()
        return proxy
