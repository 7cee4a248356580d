"""``host:port`` as it is granted and asked for, brought into one form so that the two can be compared. Pure."""

import ipaddress
import re
from dataclasses import dataclass

from eyespot.kernel.errors import invalid

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_DESTINATION_CHARS = 300
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class NetworkDestination:
    """Where a service may connect to.

    Attributes:
        host: a name in small letters without a final dot, or an IP address in its shortest form.
        address: the address that ``host`` is; None for a name.
    """

    host: str
    port: int
    address: IpAddress | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_destination(text: str) -> NetworkDestination:
    """``text`` as a destination; raises ``INVALID``.

    A name whose last label is a number is refused: resolvers read such names as IPv4 addresses in forms that people
    do not recognise (``127.1``, ``0x7f000001``).
    """
    host, _, port_text = text.lower().rpartition(":")
    if len(text) > MAX_DESTINATION_CHARS or not re.fullmatch(r"[1-9][0-9]{0,4}", port_text) or int(port_text) > 65_535:
        raise _unusable(text)
    port = int(port_text)
    if host.startswith("[") and host.endswith("]"):
        return _of_address(host[1:-1], port, text)
    if re.fullmatch(r"[0-9.]+", host):
        return _of_address(host, port, text)
    name = host.removesuffix(".")
    if len(name) > 253 or _NAME.fullmatch(name) is None or _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise _unusable(text)
    return NetworkDestination(name, port)


def _of_address(host: str, port: int, text: str) -> NetworkDestination:
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise _unusable(text) from error
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise _unusable(text)
        address = address.ipv4_mapped or address
    return NetworkDestination(str(address), port, address)


def _unusable(text: str) -> Exception:
    printable = "".join(char for char in text[:80] if char.isprintable())
    return invalid(f"'{printable}' is no destination.", "Write host:port, for example example.org:443.")
