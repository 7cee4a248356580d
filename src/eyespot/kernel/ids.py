"""Identifiers: names people choose, and ids the machine makes."""

import re
import secrets

from eyespot.kernel.clock import NS_PER_MS

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def is_slug(text: str) -> bool:
    """True for a name safe in paths, URLs and bus subjects: 1 to 64 of ``a-z 0-9 - _``, ends alphanumeric."""
    return _SLUG.fullmatch(text) is not None


def new_id(wall_ns: int) -> str:
    """A 26-character id that sorts by time: 48 bits of milliseconds and 80 random bits in Crockford base 32 (the ULID
    layout), lower case.
    """
    value = ((wall_ns // NS_PER_MS) & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
