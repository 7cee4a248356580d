"""Settings whose schema says ``format = "password"``: shown as stars, and kept when the stars come back. Pure."""

from collections.abc import Mapping
from typing import Any

STARS = "***"


def masked(schema: Mapping[str, Any], values: Any) -> Any:
    """``values`` with every secret text replaced by ``STARS``."""
    if schema.get("format") == "password" and isinstance(values, str) and values:
        return STARS
    properties = schema.get("properties", {})
    if isinstance(values, Mapping):
        return {key: masked(properties.get(key, {}), value) for key, value in values.items()}
    return values


def unmasked(schema: Mapping[str, Any], values: Any, before: Any) -> Any:
    """``values`` with every secret that is still ``STARS`` as it was ``before``; left out where there was none."""
    if not isinstance(values, Mapping):
        return values
    old = before if isinstance(before, Mapping) else {}
    found = {}
    for key, value in values.items():
        below = schema.get("properties", {}).get(key, {})
        if below.get("format") == "password" and value == STARS:
            if key in old:
                found[key] = old[key]
        else:
            found[key] = unmasked(below, value, old.get(key))
    return found
