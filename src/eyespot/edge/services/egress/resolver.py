"""Names to addresses, on threads of its own: a name server that does not answer holds up nobody but who asked."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import psutil

from eyespot.contracts.destination import IpAddress
from eyespot.kernel.errors import unavailable

THREADS = 4


class SystemResolver:
    """The machine's own resolver (getaddrinfo), for all services; each of them asks through an ``OneAtATime``."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    async def __call__(self, name: str) -> list[IpAddress]:
        """Addresses of ``name`` in the order to try them; raises ``UNAVAILABLE`` when there are none."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _look_up, name)

    def close(self) -> None:
        """Start no further look-up; one that is under way is left to itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class OneAtATime:
    """Look-ups of one service: the next begins when the one before has ended, though nobody may wait for that any more.

    So a service whose names are not answered has one of the resolver's threads, not all.
    """

    def __init__(self, resolve: Callable[[str], Awaitable[list[IpAddress]]]) -> None:
        self._resolve = resolve
        self._last: asyncio.Future[list[IpAddress]] | None = None

    async def __call__(self, name: str) -> list[IpAddress]:
        """See ``SystemResolver``."""
        while self._last is not None and not self._last.done():
            await asyncio.wait({self._last})
        self._last = asyncio.ensure_future(self._resolve(name))
        self._last.add_done_callback(lambda look: look.cancelled() or look.exception())  # nobody may be left to ask
        return await asyncio.shield(self._last)


def own_addresses() -> frozenset[IpAddress]:
    """Every address of this machine's interfaces now."""
    found = (entry for entries in psutil.net_if_addrs().values() for entry in entries)
    texts = (entry.address.partition("%")[0] for entry in found if entry.family in (socket.AF_INET, socket.AF_INET6))
    return frozenset(ipaddress.ip_address(text) for text in texts)


def _look_up(name: str) -> list[IpAddress]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise unavailable(
            f"{name} has no address: {error}.", "Check the name and the machine's name servers."
        ) from error
    texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    return [ipaddress.ip_address(text) for text in texts]
