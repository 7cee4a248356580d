"""Which IP addresses a service may be connected to. Pure.

A name is somebody else's to decide: whoever runs its zone can let it point into the owner's network, now or from one
look-up to the next. So a name may lead to public addresses alone, and an address that is not public must have been
granted as that address.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), RFC 6052 (NAT64), RFC 4291.
"""

import ipaddress
from collections.abc import Container

from eyespot.contracts.destination import IpAddress

_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_GLOBAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
        # Teredo, ORCHID and others; documentation; 6to4, which carries IPv4 addresses
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip


def closed_to_names(address: IpAddress, own: Container[IpAddress]) -> str:
    """Why a name may not lead to ``address``; empty where it may.

    Args:
        own: the addresses of this machine: also a public one of its own is no way back into it.
    """
    plain = _plain(address)
    if plain in own or address in own:
        return f"{address} is this machine's own"
    if any(plain in network for network in _NOT_GLOBAL if network.version == plain.version):
        return f"{address} is not a public address"
    if plain.version == 6 and plain not in _GLOBAL_V6:
        return f"{address} is not a public address"
    return ""


def closed_altogether(address: IpAddress) -> str:
    """Why ``address`` is no place for a connection even where it was granted literally; empty where it is one."""
    plain = _plain(address)
    if plain.is_unspecified or plain.is_multicast or str(plain) == "255.255.255.255" or str(plain).startswith("0."):
        return f"{address} is no address of one machine"
    return ""


def whereabouts(address: IpAddress | None) -> str:
    """Where a granted destination is, in words for its owner; None: a name."""
    if address is None or not closed_to_names(address, ()):
        return "outside of this camera"
    return "on this machine itself" if _plain(address).is_loopback else "within a private network"


def _plain(address: IpAddress) -> IpAddress:
    """The IPv4 address in an IPv6 one that only stands for it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address
