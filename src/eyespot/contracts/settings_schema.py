"""A service's settings: the part of JSON Schema (draft 2020-12) that a manifest may use, and values checked by it.

A part, so that a form can be drawn from any manifest and no manifest can make checking slow: no references, no
alternatives, no patterns. An object takes the keys it names and no others. What a manifest says beyond is refused.
"""

import difflib
import json
import math
from collections.abc import Mapping
from typing import Any

from eyespot.kernel.errors import invalid

Schema = Mapping[str, Any]

MAX_SCHEMA_BYTES = 32_768
MAX_SETTINGS_BYTES = 32_768
MAX_DEPTH = 5
"""Enough for a list of named polygons: list, table, list, pair, number."""
MAX_ENTRIES = 500
_MOST = 1 << 53
"""Whole numbers beyond it are not the same in every JSON reader (RFC 8259, section 6)."""
_WORDS = {"title", "description", "default", "examples", "format", "type", "enum"}
_OF_TYPE: dict[str, set[str]] = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "string": {"minLength", "maxLength"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": set(),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list, tuple), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,),
}  # fmt: skip
_NAMES = {
    "object": "a table", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false",
}  # fmt: skip


def check_schema(schema: Schema) -> None:
    """Raises ``INVALID`` that says what of ``schema`` cannot be used; an empty schema means: no settings."""
    if not schema:
        return
    try:
        size = len(json.dumps(schema))
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid("The schema is not made of JSON values.") from error
    if size > MAX_SCHEMA_BYTES:
        raise invalid(f"The schema has {size} bytes, at most {MAX_SCHEMA_BYTES} are read.")
    _check_at(schema, "the schema", 0, wanted="object")
    fault = next(iter(_mistakes(schema, defaults(schema), "")), None) if not schema.get("required") else None
    if fault:
        raise invalid(f"The defaults break the schema, {fault}.")


def defaults(schema: Schema) -> dict[str, Any]:
    """The settings of someone who changed nothing."""
    return with_defaults(schema, {})


def with_defaults(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with defaults filled in, not checked."""
    filled = _filled(schema, values)
    return filled if isinstance(filled, dict) else {}


def check_settings(schema: Schema, values: Any) -> dict[str, Any]:
    """``values`` with defaults filled in; raises ``INVALID`` that lists every mistake by its place."""
    if len(json.dumps(values, default=str)) > MAX_SETTINGS_BYTES:
        raise invalid(f"The settings have more than {MAX_SETTINGS_BYTES} bytes.")
    filled = _filled(schema or {"type": "object"}, values)
    mistakes = _mistakes(schema or {"type": "object"}, filled, "")
    if mistakes:
        text = "; ".join(mistakes[:20])
        raise invalid(text if text.endswith("?") else f"{text}.", "Correct it and try again.")
    return dict(filled)


def _check_at(schema: Any, place: str, depth: int, wanted: str | None = None) -> None:
    if not isinstance(schema, Mapping):
        raise invalid(f"{place} is not a table.")
    if depth > MAX_DEPTH:
        raise invalid(f"{place} lies deeper than {MAX_DEPTH} levels.")
    kind = schema.get("type", wanted)
    if not isinstance(kind, str) or kind not in _OF_TYPE or (wanted and kind != wanted):
        raise invalid(f"{place} needs type = {wanted or ' | '.join(_OF_TYPE)}.")
    known = _WORDS | _OF_TYPE[kind]
    for word in schema:
        if word not in known:
            near = difflib.get_close_matches(word, known, 1, 0.6)
            raise invalid(
                f"{place} uses '{word[:40]}', which is not taken here.", f"Did you mean '{near[0]}'?" if near else ""
            )
    _check_bounds(schema, place)
    if "items" in schema:
        _check_at(schema["items"], f"{place}.items", depth + 1)
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping):
        raise invalid(f"{place}.properties is not a table.")
    for name, below in properties.items():
        _check_at(below, f"'{name[:40]}'", depth + 1)
    required = schema.get("required", [])
    if not isinstance(required, list) or any(name not in properties for name in required):
        raise invalid(f"{place}.required names what is not among its properties.")
    if schema.get("additionalProperties", False) is not False:
        raise invalid(f"{place} would take any key.", "Name each one in properties.")


def _check_bounds(schema: Schema, place: str) -> None:
    for word in ("minLength", "maxLength", "minItems", "maxItems"):
        if word in schema and (type(schema[word]) is not int or schema[word] < 0):
            raise invalid(f"{word} of {place} is a whole number from 0.")
    for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if word in schema and not _is_number(schema[word]):
            raise invalid(f"{word} of {place} is a number.")
    enum = schema.get("enum")
    if enum is not None and (not isinstance(enum, list) or not enum):
        raise invalid(f"enum of {place} is a list of what is allowed.")
    for word in ("title", "description", "format"):
        if word in schema and (not isinstance(schema[word], str) or len(schema[word]) > 400):
            raise invalid(f"{word} of {place} is a text of at most 400 characters.")


def _filled(schema: Schema, values: Any) -> Any:
    if isinstance(values, list | tuple) and schema.get("type") == "array" and "items" in schema:
        return [_filled(schema["items"], value) for value in values]
    if not isinstance(values, Mapping):
        return values
    filled = dict(values)
    for name, below in schema.get("properties", {}).items():
        if name not in filled and "default" in below:
            filled[name] = below["default"]
        elif name not in filled and below.get("type") == "object" and _filled(below, {}):
            filled[name] = _filled(below, {})
        elif name in filled:
            filled[name] = _filled(below, filled[name])
    return filled


def _mistakes(schema: Schema, value: Any, place: str) -> list[str]:
    kind = str(schema.get("type", "object"))
    called = place or "settings"
    if not _is(kind, value):
        return [f"{called}: must be {_NAMES[kind]}"]
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        return [f"{called}: must be one of {', '.join(str(one)[:40] for one in schema['enum'][:24])}"]
    if kind == "object":
        return _in_object(schema, value, place)
    if kind == "array":
        return _in_array(schema, value, called)
    if kind == "string":
        return _in_range(called, len(value), schema.get("minLength"), schema.get("maxLength"), " characters")
    if kind in ("integer", "number"):
        return _in_number(schema, value, called)
    return []


def _in_object(schema: Schema, value: Mapping[str, Any], place: str) -> list[str]:
    known = schema.get("properties", {})
    below = f"{place}." if place else ""
    found = []
    for name in value:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            found.append(f"{below}{name[:40]}: unknown key" + (f", did you mean '{near[0]}'?" if near else ""))
    found += [f"{below}{name}: must be given" for name in schema.get("required", []) if name not in value]
    for name, inner in known.items():
        if name in value:
            found += _mistakes(inner, value[name], f"{below}{name}")
    return found


def _in_array(schema: Schema, value: list[Any], place: str) -> list[str]:
    if len(value) > MAX_ENTRIES:
        return [f"{place}: may have at most {MAX_ENTRIES} entries"]
    found = _in_range(place, len(value), schema.get("minItems"), schema.get("maxItems"), " entries")
    if schema.get("uniqueItems") and any(_same(a, b) for at, a in enumerate(value) for b in value[:at]):
        found.append(f"{place}: two entries are the same")
    if "items" in schema:
        for index, item in enumerate(value):
            found += _mistakes(schema["items"], item, f"{place}.{index}")
    return found


def _in_number(schema: Schema, value: float, place: str) -> list[str]:
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None and value <= above:
        return [f"{place}: must be more than {above:g}"]
    if below is not None and value >= below:
        return [f"{place}: must be less than {below:g}"]
    return _in_range(place, value, schema.get("minimum"), schema.get("maximum"), "")


def _in_range(place: str, value: float, least: float | None, most: float | None, unit: str) -> list[str]:
    if least is not None and value < least:
        return [f"{place}: must have at least {least:g}{unit}" if unit else f"{place}: must be at least {least:g}"]
    if most is not None and value > most:
        return [f"{place}: may have at most {most:g}{unit}" if unit else f"{place}: must be at most {most:g}"]
    return []


def _is(kind: str, value: Any) -> bool:
    if kind in ("integer", "number"):
        return _is_number(value) and (kind == "number" or float(value).is_integer())
    return isinstance(value, _TYPES[kind])


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _MOST if isinstance(value, int) else math.isfinite(value)


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)
