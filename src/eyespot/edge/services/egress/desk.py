"""Everything of one host's egress together: journal, resolver and proxies, opened and closed as one."""

import asyncio
from collections.abc import Callable

from eyespot.edge.config_parts import ServicesSettings
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.egress.journal import Journal
from eyespot.edge.services.egress.limits import limits_of
from eyespot.edge.services.egress.proxies import Proxies
from eyespot.edge.services.egress.reach import Outside
from eyespot.edge.services.egress.resolver import SystemResolver, own_addresses
from eyespot.edge.services.egress.store import EgressStore
from eyespot.kernel.clock import Clock


class EgressDesk:
    """From ``begin`` to ``close``.

    Attributes:
        journal: a service of the process.
        proxies: open one for each start of a service.
    """

    def __init__(self, store: EgressStore, clock: Clock, settings: Callable[[], ServicesSettings]) -> None:
        self._store = store
        self._resolver = SystemResolver()
        self.journal = Journal(store, clock)
        outside = Outside(self._resolver, own_addresses)
        self.proxies = Proxies(outside, self.journal.note, clock, lambda: limits_of(settings()))

    @staticmethod
    async def begin(layout: StateLayout, clock: Clock, settings: Callable[[], ServicesSettings]) -> "EgressDesk":
        """Open the store, whose open connections ended with the process before; raises as ``EgressStore``."""
        store = await asyncio.to_thread(EgressStore, layout.egress_db)
        await asyncio.to_thread(store.interrupt)
        return EgressDesk(store, clock, settings)

    def close(self) -> None:
        """Once the journal has ended."""
        self._resolver.close()
        self._store.close()
