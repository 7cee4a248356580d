"""From a destination that was granted to an open connection: look up, check every address, connect to one checked.

The address that was checked is the one connected to, so a name that changes in between gains nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass

from eyespot.contracts.destination import IpAddress, NetworkDestination
from eyespot.edge.services.egress.addresses import closed_altogether, closed_to_names
from eyespot.edge.services.egress.pump import STREAM_LIMIT_BYTES, End
from eyespot.edge.services.egress.record import Outcome
from eyespot.kernel.errors import EyespotError, Kind, unavailable

MAX_TRIES = 4
"""Addresses of one name that are tried."""
Resolve = Callable[[str], Awaitable[list[IpAddress]]]


class NotReachedError(Exception):
    """A connection that did not come to be.

    Attributes:
        error: what the service is told, without the addresses that a name of the owner's network may have.
        why: what is kept for the owner.
    """

    def __init__(self, outcome: Outcome, error: EyespotError, why: str = "", address: str = "") -> None:
        super().__init__(why or error.what)
        self.outcome = outcome
        self.error = error
        self.why = why or error.what
        self.address = address


@dataclass(frozen=True, slots=True)
class Outside:
    """The network as proxies use it.

    Args:
        resolve: addresses of a name; raises ``UNAVAILABLE``.
        own: this machine's addresses, asked anew for each look-up.
    """

    resolve: Resolve
    own: Callable[[], Container[IpAddress]]


async def reach(destination: NetworkDestination, outside: Outside, patience_s: float) -> tuple[str, End]:
    """The address that was connected to, and the connection; raises ``NotReachedError``.

    Args:
        patience_s: for the look-up, and again for connecting.
    """
    addresses = await _addresses(destination, outside, patience_s)
    failures = []
    for address in addresses:
        try:
            async with asyncio.timeout(patience_s / len(addresses)):
                reader, writer = await asyncio.open_connection(str(address), destination.port, limit=STREAM_LIMIT_BYTES)
            return str(address), End(reader, writer)
        except TimeoutError:
            failures.append(f"{address} does not answer")
        except OSError as error:
            failures.append(f"{address}: {error.strerror or error}")
    away = unavailable(f"{destination} cannot be reached.", "Try again later.")
    raise NotReachedError("failed", away, "; ".join(failures), str(addresses[-1]))


async def _addresses(destination: NetworkDestination, outside: Outside, patience_s: float) -> list[IpAddress]:
    """What may be connected to; at least one."""
    if destination.address is not None:
        closed = closed_altogether(destination.address)
        if closed:
            raise NotReachedError(
                "refused", EyespotError(Kind.FORBIDDEN, f"{closed}."), address=str(destination.address)
            )
        return [destination.address]
    try:
        async with asyncio.timeout(patience_s):
            found = await outside.resolve(destination.host)
    except TimeoutError as error:
        raise NotReachedError(
            "failed", unavailable(f"The name servers do not answer for {destination.host}.")
        ) from error
    except EyespotError as error:
        raise NotReachedError("failed", unavailable(f"{destination.host} has no address."), error.what) from error
    own = outside.own()
    reasons = {address: closed_to_names(address, own) for address in found}
    usable = [address for address, reason in reasons.items() if not reason]
    if not usable:
        closed_name = EyespotError(
            Kind.FORBIDDEN, f"{destination.host} has no public address.",
            "One within a private network must be granted as an address, not as a name.",
        )  # fmt: skip
        why = f"{destination.host}: {'; '.join(list(reasons.values())[:MAX_TRIES]) or 'no address'}"
        raise NotReachedError("refused", closed_name, why, str(found[0]) if found else "")
    return usable[:MAX_TRIES]
