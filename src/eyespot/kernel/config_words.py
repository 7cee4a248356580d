"""What is wrong with a document in plain words, from pydantic's list of errors and the document's JSON schema. Pure.

One part a mistake, ``place: words``, the place being the keys down to it. The words hold no semicolon, so that parts
can be told apart where they are shown together, and quote no more than a short piece of what was given, secrets masked.
"""

import difflib
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from eyespot.kernel.log import mask_credentials

Schema = Mapping[str, Any]

_MOST_CHARS = 40
_MOST_CHOICES = 24
_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "string": "text",
    "path": "a path, written as text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a table",
    "model": "a table",
    "mapping": "a table",
}


def describe_all(items: Iterable[Mapping[str, Any]], schema: Schema | None = None, *, most: int = 20) -> list[str]:
    """The first ``most`` mistakes, see ``describe``. A list that is too short only for its wrong entries is not one."""
    found = list(items)
    below = {tuple(item["loc"])[:length] for item in found for length in range(len(item["loc"]))}
    real = (item for item in found if not (item["type"] == "too_short" and tuple(item["loc"]) in below))
    return [describe(item, schema) for item in islice(real, most)]


def describe(item: Mapping[str, Any], schema: Schema | None = None) -> str:
    """One mistake.

    Args:
        item: as ``pydantic.ValidationError.errors()`` gives it.
        schema: the JSON schema of the whole document, for allowed values and known keys; None: without them.
    """
    place = [_short(_plain(str(part))) for part in item["loc"]]
    words = _words(item, _Schemas(schema or {}))
    return f"{'.'.join(place) or 'document'}: {words}"


def _words(item: Mapping[str, Any], schemas: "_Schemas") -> str:
    kind, given, context = str(item["type"]), item.get("input"), item.get("ctx") or {}
    loc = tuple(item["loc"])
    key = _named(loc)
    if kind == "extra_forbidden":
        return _unknown_key(str(loc[-1]), schemas, loc)
    if kind == "missing":
        return f"{key} must be given"
    if kind in ("literal_error", "enum"):
        return f"{key} must be {_expected(schemas.at(loc), context)}, not {_shown(given)}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return f"{key} must be {_range(schemas.at(loc)) or _limit(context)}, not {_shown(given)}"
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return _size(key, kind, context)
    if kind == "string_pattern_mismatch":
        return f"{key} must have the form {_plain(str(context.get('pattern', '')))}, {_shown(given)} has not"
    if kind == "int_from_float":
        return f"{key} must be a whole number, not {_shown(given)}"
    wanted = _KINDS.get(kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_attributes").split("_")[0])
    if wanted is not None and kind.endswith(("_type", "_parsing", "_number")):
        return f"{key} must be {wanted}, not {_shown(given)}"
    return _plain(str(item["msg"]).removeprefix("Value error, "))


def _named(loc: tuple[Any, ...]) -> str:
    """The key at ``loc``, quoted; for what is in a list, the list's."""
    key = next((part for part in reversed(loc) if isinstance(part, str)), None)
    if key is None:
        return "the document"
    return f"'{_short(_plain(key))}'" if loc[-1] == key else f"an entry of '{_short(_plain(key))}'"


def _unknown_key(key: str, schemas: "_Schemas", loc: tuple[Any, ...]) -> str:
    here = sorted(schemas.at(loc[:-1]).get("properties", {}))
    near = difflib.get_close_matches(key, here, 1, 0.5) or difflib.get_close_matches(key, schemas.every_key(), 1, 0.5)
    if near:
        return f"unknown key, did you mean '{near[0]}'?"
    return "unknown key" + (f", known here: {', '.join(here[:_MOST_CHOICES])}" if here else "")


def _expected(schema: Schema, context: Mapping[str, Any]) -> str:
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if not values:
        return _plain(str(context.get("expected", "one of the allowed values")))
    return _joined([f"'{value}'" if isinstance(value, str) else str(value) for value in values[:_MOST_CHOICES]])


def _range(schema: Schema) -> str:
    """The bounds of a number in words; empty without bounds."""
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if least is not None and most is not None:
        return f"from {_number(least)} to {_number(most)}"
    lower = (
        f"at least {_number(least)}"
        if least is not None
        else f"more than {_number(above)}"
        if above is not None
        else ""
    )
    upper = (
        f"at most {_number(most)}" if most is not None else f"less than {_number(below)}" if below is not None else ""
    )
    return " and ".join(part for part in (lower, upper) if part)


def _limit(context: Mapping[str, Any]) -> str:
    """The one bound that was broken."""
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return next(
        (f"{words[name]} {_number(value)}" for name, value in context.items() if name in words), "within bounds"
    )


def _size(key: str, kind: str, context: Mapping[str, Any]) -> str:
    what = "character" if kind.startswith("string") else "entry"
    limit = context.get("min_length") if kind.endswith("short") else context.get("max_length")
    if kind.endswith("short") and limit == 1:
        return f"{key} must not be empty" if what == "character" else f"{key} needs at least 1 entry"
    many = "characters" if what == "character" else "entries"
    return f"{key} {'needs at least' if kind.endswith('short') else 'may have at most'} {limit} {many}"


def _shown(value: Any) -> str:
    """What was given, in a person's words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _short(_number(value))
    if isinstance(value, str):
        return f"the text '{_short(_plain(value))}'" if value else "an empty text"
    if isinstance(value, Mapping):
        return "a table"
    return (
        "a list"
        if isinstance(value, list | tuple)
        else "nothing"
        if value is None
        else _short(str(type(value).__name__))
    )


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _short(text: str) -> str:
    text = mask_credentials(text)
    return text if len(text) <= _MOST_CHARS else text[:_MOST_CHARS] + "…"


def _plain(text: str) -> str:
    """One line, without what separates mistakes."""
    return " ".join(text.replace(";", ",").split())


class _Schemas:
    """The schema of each place in a document."""

    def __init__(self, root: Schema) -> None:
        self._root = root

    def at(self, loc: tuple[Any, ...]) -> Schema:
        """The schema of the value at ``loc``; empty when there is none."""
        here = self._resolved(self._root)
        for part in loc:
            here = self._resolved(self._below(here, part))
        return here

    def every_key(self) -> list[str]:
        """Every key name that occurs anywhere in the document."""
        parts: Iterable[Any] = [self._root, *self._root.get("$defs", {}).values()]
        return sorted({name for part in parts for name in part.get("properties", {})})

    def _below(self, schema: Schema, part: Any) -> Any:
        if isinstance(part, str):
            below = schema.get("properties", {}).get(part)
            return below if below is not None else schema.get("additionalProperties", {})
        first = schema.get("prefixItems", [])
        return first[part] if isinstance(part, int) and 0 <= part < len(first) else schema.get("items", {})

    def _resolved(self, schema: Any) -> Schema:
        """References followed, and *or nothing* taken off; empty for what is no schema."""
        for _ in range(8):
            if not isinstance(schema, Mapping):
                return {}
            options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
            if "$ref" in schema:
                schema = self._root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2])
            elif len(options) == 1:
                schema = options[0]
            else:
                return schema
        return {}
