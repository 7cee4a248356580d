"""Mistakes in a document are told in plain words that name the key and what is allowed."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field

from eyespot.kernel.config import Settings, validate
from eyespot.kernel.config_words import describe_all
from eyespot.kernel.errors import EyespotError


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("it has to be even; it is not")
    return value


class Point(Settings):
    x: float = Field(ge=0, le=1)


class Sample(Settings):
    name: str = Field(default="x", min_length=1, max_length=8)
    size_px: int = Field(default=5, ge=1, le=64)
    rate_hz: float | None = Field(default=None, gt=0, le=60)
    least: float = Field(default=1, gt=0)
    most: int = Field(default=1, lt=10)
    tier: Literal["hot", "cold"] = "hot"
    only: Literal["one"] = "one"
    on: bool = True
    folder: Path | None = None
    code: str = Field(default="a1", pattern=r"^[a-z]\d$")
    even: Annotated[int, AfterValidator(_even)] = 2
    point: tuple[Point, ...] = Field(default=(), max_length=2)
    corner: tuple[Point, ...] = Field(default=(Point(x=0), Point(x=1)), min_length=2)
    table: Point = Point(x=0)


CASES: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name: 'name' must not be empty"),
    ({"name": "n" * 9}, "name: 'name' may have at most 8 characters"),
    ({"name": 7}, "name: 'name' must be text, not 7"),
    ({"size_px": 65}, "size_px: 'size_px' must be from 1 to 64, not 65"),
    ({"size_px": "wide"}, "size_px: 'size_px' must be a whole number, not the text 'wide'"),
    ({"size_px": 1.5}, "size_px: 'size_px' must be a whole number, not 1.5"),
    ({"size_px": None}, "size_px: 'size_px' must be a whole number, not nothing"),
    ({"rate_hz": 0}, "rate_hz: 'rate_hz' must be more than 0 and at most 60, not 0"),
    ({"rate_hz": "often"}, "rate_hz: 'rate_hz' must be a number, not the text 'often'"),
    ({"least": -1}, "least: 'least' must be more than 0, not -1"),
    ({"most": 10}, "most: 'most' must be less than 10, not 10"),
    ({"tier": "warm"}, "tier: 'tier' must be 'hot' or 'cold', not the text 'warm'"),
    ({"tier": ["hot"]}, "tier: 'tier' must be 'hot' or 'cold', not a list"),
    ({"only": True}, "only: 'only' must be 'one', not true"),
    ({"on": "perhaps"}, "on: 'on' must be true or false, not the text 'perhaps'"),
    ({"folder": 5}, "folder: 'folder' must be a path, written as text, not 5"),
    ({"code": "zz"}, r"code: 'code' must have the form ^[a-z]\d$, the text 'zz' has not"),
    ({"even": 3}, "even: it has to be even, it is not"),
    ({"point": "x"}, "point: 'point' must be a list, not the text 'x'"),
    ({"point": [5]}, "point.0: an entry of 'point' must be a table, not 5"),
    ({"point": [{}]}, "point.0.x: 'x' must be given"),
    ({"point": [{"x": 0}] * 3}, "point: 'point' may have at most 2 entries"),
    ({"point": [{"x": 2}]}, "point.0.x: 'x' must be from 0 to 1, not 2"),
    ({"corner": [{"x": 1}]}, "corner: 'corner' needs at least 2 entries"),
    ({"corner": [{"x": 1}, {"x": 3}]}, "corner.1.x: 'x' must be from 0 to 1, not 3"),
    ({"table": 1}, "table: 'table' must be a table, not 1"),
    ({"tabel": {}}, "tabel: unknown key, did you mean 'table'?"),
    ({"table": {"x": 0, "size_pixels": 1}}, "table.size_pixels: unknown key, did you mean 'size_px'?"),
    ({"table": {"x": 0, "qqqq": 1}}, "table.qqqq: unknown key, known here: x"),
]


@pytest.mark.parametrize(("document", "said"), CASES)
def test_each_mistake_in_its_words(document: dict[str, Any], said: str) -> None:
    with pytest.raises(EyespotError) as caught:
        validate(Sample, document, "here")
    assert caught.value.what.removesuffix(".") == f"here: {said}"


def test_no_secret_and_no_novel_is_quoted() -> None:
    with pytest.raises(EyespotError) as caught:
        validate(Sample, {"tier": "rtsp://user:canary@host/" + "x" * 5000}, "here")
    assert "canary" not in caught.value.what
    assert len(caught.value.what) < 200


def test_many_mistakes_are_cut_short() -> None:
    with pytest.raises(EyespotError) as caught:
        validate(Sample, {f"key {number}; and: more\n": 1 for number in range(5000)}, "here")
    assert len(caught.value.what.split("; ")) == 20
    assert "\n" not in caught.value.what


def test_without_a_schema_the_broken_bound_is_told() -> None:
    class Asked(BaseModel):
        size: int = Field(ge=1, le=64)

    with pytest.raises(ValueError, match="size") as caught:
        Asked.model_validate({"size": 65})
    assert describe_all(caught.value.errors()) == ["size: 'size' must be at most 64, not 65"]  # type: ignore[attr-defined]
