"""Settings as they are stored: every text of ``format = "password"`` sealed, everything else as it is.

A sealed text is ``{"$sealed": "<base64>"}`` in the place of the text, so nobody can type one into a form. What it is
for is the service and the names that lead to it; places within a list are left out, as entries move.
"""

from collections.abc import Mapping
from typing import Any

from eyespot.edge.services.secret_key import SecretKey
from eyespot.edge.services.secret_settings import SEALED, is_sealed, is_secret


def seal_settings(schema: Mapping[str, Any], values: dict[str, Any], service: str, key: SecretKey) -> dict[str, Any]:
    """``values`` with every secret text sealed; those that are sealed already stay so. Raises as ``SecretKey.seal``."""
    found = _sealed(schema, values, service, key)
    return dict(found)


def open_settings(values: Mapping[str, Any], service: str, key: SecretKey) -> dict[str, Any]:
    """``values`` with every sealed text opened, whatever a schema says; raises as ``SecretKey.open``."""
    return {name: _opened(value, f"{service}.{name}", key) for name, value in values.items()}


def _sealed(schema: Mapping[str, Any], value: Any, place: str, key: SecretKey) -> Any:
    if is_secret(schema) and isinstance(value, str) and value:
        return {SEALED: key.seal(value, place)}
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        return {name: _sealed(properties.get(name, {}), below, f"{place}.{name}", key) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [_sealed(schema.get("items", {}), each, place, key) for each in value]
    return value


def _opened(value: Any, place: str, key: SecretKey) -> Any:
    if is_sealed(value):
        return key.open(value[SEALED], place)
    if isinstance(value, Mapping):
        return {name: _opened(below, f"{place}.{name}", key) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [_opened(each, place, key) for each in value]
    return value
