"""Settings whose schema says ``format = "password"``: shown as stars, and kept when the stars come back. Pure.

In lists too. An entry's secret comes back to the entry that shows the same otherwise, or that was edited in its place;
where that cannot be told, the owner is asked for the secret again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from eyespot.kernel.errors import EyespotError, invalid

STARS = "***"
SEALED = "$sealed"
"""The one key of a table that stands for a sealed text, see ``sealed_settings``."""
_NONE = object()


def is_secret(schema: Mapping[str, Any]) -> bool:
    """Whether a value of ``schema`` is to be kept secret."""
    return schema.get("format") == "password"


def is_sealed(value: Any) -> TypeGuard[Mapping[str, str]]:
    """Whether it stands for a sealed text."""
    return isinstance(value, Mapping) and set(value) == {SEALED} and isinstance(value[SEALED], str)


def masked(schema: Mapping[str, Any], values: Any) -> Any:
    """``values`` with every secret text, sealed or not, replaced by ``STARS``."""
    if is_sealed(values) or (is_secret(schema) and isinstance(values, str) and values):
        return STARS
    if isinstance(values, Mapping):
        properties = schema.get("properties", {})
        return {key: masked(properties.get(key, {}), value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [masked(schema.get("items", {}), value) for value in values]
    return values


def unmasked(schema: Mapping[str, Any], values: Any, before: Any) -> Any:
    """``values`` with every secret that is still ``STARS`` as it was ``before``; left out where there was none.

    Raises ``INVALID`` for stars in a list where it cannot be told what they stand for.
    """
    if isinstance(values, list | tuple):
        return _unmasked_list(schema.get("items", {}), values, before if isinstance(before, list | tuple) else ())
    if not isinstance(values, Mapping):
        return values
    old = before if isinstance(before, Mapping) else {}
    found = {}
    for key, value in values.items():
        below = schema.get("properties", {}).get(key, {})
        if is_secret(below) and value == STARS:
            if key in old:
                found[key] = old[key]
        else:
            found[key] = unmasked(below, value, old.get(key))
    return found


def _unmasked_list(items: Mapping[str, Any], values: Sequence[Any], before: Sequence[Any]) -> list[Any]:
    if is_secret(items):
        return _unmasked_texts(values, before)
    found: list[Any] = [_NONE] * len(values)
    free = dict(enumerate(before))
    shown = {at: masked(items, old) for at, old in free.items()}
    for at, value in enumerate(values):  # first those that nobody touched, wherever they are now
        same = next((place for place in (at, *free) if place in free and shown[place] == value), None)
        if same is not None:
            found[at] = unmasked(items, value, free.pop(same))
    for at, value in enumerate(values):  # then the one that was edited in its place
        if found[at] is _NONE and len(values) == len(before) and at in free:
            found[at] = unmasked(items, value, free.pop(at))
        elif found[at] is _NONE:
            if _has_stars(items, value):
                raise _unknown(at)
            found[at] = value
    return found


def _unmasked_texts(values: Sequence[Any], before: Sequence[Any]) -> list[Any]:
    stars = [at for at, value in enumerate(values) if value == STARS]
    if not stars or len(stars) == len(before):
        kept = iter(before)
        return [next(kept) if value == STARS else value for value in values]
    if len(values) == len(before):
        return [before[at] if value == STARS else value for at, value in enumerate(values)]
    raise _unknown(stars[0])


def _has_stars(schema: Mapping[str, Any], value: Any) -> bool:
    if is_secret(schema):
        return bool(value == STARS)
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        return any(_has_stars(properties.get(key, {}), below) for key, below in value.items())
    return isinstance(value, list | tuple) and any(_has_stars(schema.get("items", {}), each) for each in value)


def _unknown(at: int) -> EyespotError:
    return invalid(
        f"It cannot be told which secret the stars of entry {at + 1} of a list stand for.",
        "Enter the secrets of this list again.",
    )
