"""What the kernel refuses a confined service, in words, and the error that it gets: by the rule of ``seccomp``.

Only the number and the first argument of a call are looked at, which the kernel took from registers: nothing that
the service could change meanwhile. There are as many kinds as named here, so whoever counts by kind is bounded.
"""

import errno
import socket
from dataclasses import dataclass
from functools import cache

from eyespot.edge.services.engines.seccomp import NAMESPACE_FLAGS, refused_table
from eyespot.edge.services.engines.seccomp_bpf import LAST_KNOWN, X32_BIT, abi_of

_FAMILY_BITS = 32


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused call.

    Args:
        kind: ``mount``, ``socket(AF_INET)``, …
        error: the errno that the caller gets.
    """

    kind: str
    error: int


def refusal_of(machine: str, number: int, argument: int) -> Refusal:
    """What a call that the filter refused was.

    Args:
        machine: as uname(2) says it; raises ``INVALID`` for one that has no filter.
        number: the system call's.
        argument: its first one, 64 bits.
    """
    abi = abi_of(machine)
    if number & X32_BIT:
        return Refusal("an x32 call", errno.ENOSYS)
    if number > LAST_KNOWN:
        return Refusal("a call newer than the filter", errno.ENOSYS)
    for name, at in (("socket", abi.socket), ("socketpair", abi.socketpair)):
        if number == at:
            return Refusal(f"{name}({_family(argument)})", errno.EAFNOSUPPORT)
    if number == abi.clone:
        return Refusal(f"clone({'a namespace' if argument & NAMESPACE_FLAGS else 'other'})", errno.EPERM)
    return Refusal(_names(abi.column).get(number, f"call {number}"), errno.EPERM)


@cache
def _names(column: int) -> dict[int, str]:
    numbers = ((name, row[column]) for name, row in refused_table().items())
    return {number: name for name, number in numbers if number is not None}


def _family(argument: int) -> str:
    if argument >> _FAMILY_BITS:
        return "no family"
    try:
        return socket.AddressFamily(argument).name
    except ValueError:
        return "another family"
