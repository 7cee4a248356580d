"""How fast one may guess: a pure rule from (what failed before, now) to a waiting time.

Two counters. *Account and address*: three failures are free, then each doubles the wait, from 1 s up to 5 min; it ends
with a success or after an hour of quiet. *Address*, over all accounts: ten failures are free, then one attempt a
second. Both hold an attacker back without locking the owner out at another address. Counters are few and bounded.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.errors import EyespotError, Kind

_FREE_PER_ACCOUNT, _FREE_PER_ADDRESS = 3, 10
_LONGEST_WAIT_S = 300
_FORGET_NS = 3600 * NS_PER_S
_MAX_KEYS = 8192


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_ns: int = 0


def address_key(address: str) -> str:
    """The part of an address that one person controls: IPv4 whole, IPv6 its first 64 bits."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


class LoginThrottle:
    """Counts failed attempts and says when the next may come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def check(self, account: str, address: str) -> None:
        """Raise ``THROTTLED`` with the seconds to wait when an attempt comes too soon."""
        wait_s = self.wait_s(account, address)
        if wait_s > 0:
            raise EyespotError(
                Kind.THROTTLED, "Too many failed attempts.", f"Try again in {round(wait_s + 0.5)} seconds."
            )

    def wait_s(self, account: str, address: str) -> float:
        """Seconds until the next attempt may come, 0 when it may come now."""
        now_ns = self._clock.monotonic_ns()
        pair, place = self._keys(account, address)
        waits = [0.0]
        if (failed := self._recent(pair, now_ns)) and failed.count >= _FREE_PER_ACCOUNT:
            pause_s = min(2.0 ** min(failed.count - _FREE_PER_ACCOUNT, 16), _LONGEST_WAIT_S)
            waits.append(pause_s - (now_ns - failed.last_ns) / NS_PER_S)
        if (failed := self._recent(place, now_ns)) and failed.count >= _FREE_PER_ADDRESS:
            waits.append(1.0 - (now_ns - failed.last_ns) / NS_PER_S)
        return max(waits)

    def begin(self, account: str, address: str) -> None:
        """Check, and count the attempt as failed until ``succeeded`` says otherwise: parallel guesses count at once."""
        self.check(account, address)
        now_ns = self._clock.monotonic_ns()
        for key in self._keys(account, address):
            failed = self._recent(key, now_ns) or _Failures()
            failed.count, failed.last_ns = failed.count + 1, now_ns
            self._failures[key] = failed
            self._failures.move_to_end(key)
        while len(self._failures) > _MAX_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of ``account`` at ``address`` and take back the attempt counted for the address."""
        pair, place = self._keys(account, address)
        self._failures.pop(pair, None)
        if failed := self._failures.get(place):
            failed.count = max(0, failed.count - 1)

    def _keys(self, account: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
        place = address_key(address)
        return (account.casefold()[:64], place), ("", place)

    def _recent(self, key: tuple[str, str], now_ns: int) -> _Failures | None:
        failed = self._failures.get(key)
        if failed and now_ns - failed.last_ns > _FORGET_NS:
            del self._failures[key]
            return None
        return failed
