"""Settings of services: our part of JSON Schema agrees with a complete implementation of it."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.contracts.settings_schema import MAX_ENTRIES, check_schema, check_settings, defaults
from eyespot.kernel.errors import EyespotError

NUMBERS = st.integers(-4, 4) | st.floats(-4, 4).map(lambda value: round(value, 1))
VALUES = st.recursive(
    st.booleans() | NUMBERS | st.sampled_from(["", "a", "bb"]) | st.none(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("xyz"), below, max_size=3),
    max_leaves=6,
)


def bounds(kind: str, words: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=dict.fromkeys(words, values))


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}


LEAVES = (
    bounds("integer", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], st.integers(-4, 4))
    | bounds("number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], NUMBERS)
    | bounds("string", ["minLength", "maxLength"], st.integers(0, 3))
    | st.fixed_dictionaries({"type": st.just("string"), "enum": st.lists(st.sampled_from("ab"), min_size=1)})
    | st.just({"type": "boolean"})
)
LISTS = st.fixed_dictionaries(
    {"type": st.just("array")},
    optional={
        "items": LEAVES,
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 3),
        "uniqueItems": st.booleans(),
    },
)
TABLES = st.dictionaries(st.sampled_from("xyz"), LEAVES | LISTS, max_size=3).flatmap(
    lambda below: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.just(below)},
        optional={"required": st.lists(st.sampled_from(sorted(below)), unique=True) if below else st.just([])},
    ).map(closed)
)


@given(TABLES, st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3))
@settings(deadline=None)
def test_values_are_taken_as_a_complete_validator_takes_them(schema: dict[str, Any], values: dict[str, Any]) -> None:
    check_schema(schema)
    try:
        assert check_settings(schema, values) == values
        taken = True
    except EyespotError:
        taken = False
    assert taken == jsonschema_rs.is_valid(schema, values)


SCHEMA = {
    "type": "object",
    "required": ["door"],
    "properties": {
        "door": {"type": "string", "maxLength": 8},
        "limit": {"type": "integer", "default": 10, "minimum": 1},
        "quiet": {"type": "object", "properties": {"from_h": {"type": "number", "default": 22}}},
        "labels": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    },
}


def test_defaults_are_filled_in_at_every_level() -> None:
    assert defaults(SCHEMA) == {"limit": 10, "quiet": {"from_h": 22}}
    assert check_settings(SCHEMA, {"door": "a", "quiet": {}}) == {"door": "a", "limit": 10, "quiet": {"from_h": 22}}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "door: must be given"),
        ({"door": "a", "limt": 3}, "limt: unknown key, did you mean 'limit'?"),
        ({"door": "a", "limit": 0}, "limit: must be at least 1"),
        ({"door": "a", "limit": True}, "limit: must be a whole number"),
        ({"door": "a", "limit": 10**400}, "limit: must be a whole number"),
        ({"door": "far too long"}, "door: may have at most 8 characters"),
        ({"door": "a", "quiet": {"from_h": "x"}}, "quiet.from_h: must be a number"),
        ({"door": "a", "labels": ["x"] * (MAX_ENTRIES + 1)}, "may have at most"),
        ({"door": "a" * 40_000}, "more than 32768 bytes"),
        ([], "settings: must be a table"),
    ],
)
def test_mistakes_are_told_by_their_place(values: Any, words: str) -> None:
    with pytest.raises(EyespotError) as raised:
        check_settings(SCHEMA, values)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        {"type": "object", "properties": {"a": {"type": "string", "minLength": -1}}},
        {"type": "object", "properties": {"a": {"type": "string", "enum": []}}},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "required": ["b"]},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"type": "string", "title": 3}}},
        {"type": "object", "properties": {"a": {"type": "string", "title": "x" * 40_000}}},
    ],
)
def test_a_schema_beyond_our_part_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(EyespotError):
        check_schema(schema)


def test_a_schema_that_nests_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(6):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(EyespotError, match="deeper than"):
        check_schema(schema)
