"""Writes ``model.toml``: the same document that ``infer.package`` reads, in a fixed order a person can read."""

import json
from collections.abc import Mapping
from typing import Any

from eyespot.infer.package import ModelDocument


def to_toml(document: ModelDocument) -> str:
    """``document`` as TOML text; what is not set is left out."""
    values = document.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
    lines = _table(values, "")
    return "\n".join(lines).strip() + "\n"


def _table(values: Mapping[str, Any], prefix: str) -> list[str]:
    lines = [f"{key} = {_value(value)}" for key, value in values.items() if not _is_table(value)]
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_table(value, f"{name}.")]
        elif _is_table(value):
            for item in value:
                lines += ["", f"[[{name}]]", *_table(item, f"{name}.")]
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _value(value: Any) -> str:
    """A scalar or a list of scalars; JSON's forms of these are TOML's."""
    return json.dumps(value, ensure_ascii=False)
