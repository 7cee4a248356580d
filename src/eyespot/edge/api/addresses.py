"""Under which names and addresses this host can be reached: for the certificate, the host check, the printed link."""

import ipaddress
import socket

import psutil

_MAX_ADDRESSES = 32


def is_loopback(bind: str) -> bool:
    """True when only this machine can reach ``bind``."""
    try:
        return ipaddress.ip_address(bind.strip("[]")).is_loopback
    except ValueError:
        return bind.casefold() == "localhost"


def host_names() -> tuple[str, ...]:
    """``localhost`` and this machine's own names, lower case."""
    own = socket.gethostname().casefold()
    short = own.partition(".")[0]
    return tuple(dict.fromkeys(["localhost", own, short, f"{short}.local"]))


def own_addresses() -> tuple[str, ...]:
    """This machine's IP addresses, loopback first; link-local IPv6 left out."""
    found = ["127.0.0.1", "::1"]
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                ip = ipaddress.ip_address(entry.address.partition("%")[0])
                if not (ip.version == 6 and ip.is_link_local):
                    found.append(str(ip))
    return tuple(dict.fromkeys(found))[:_MAX_ADDRESSES]


def link_host(bind: str) -> str:
    """How a person addresses a server bound to ``bind``: an address of this machine for a wildcard."""
    try:
        ip = ipaddress.ip_address(bind.strip("[]"))
    except ValueError:
        return bind
    if ip.is_unspecified:
        outside = [address for address in own_addresses() if not is_loopback(address) and ":" not in address]
        return outside[0] if outside else "127.0.0.1"
    return f"[{ip}]" if ip.version == 6 else str(ip)
