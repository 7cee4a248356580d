"""A service's settings as an object: ``settings.line.x`` for ``{"line": {"x": 1}}``. Read-only."""

from collections.abc import Iterator, Mapping
from typing import Any


class Values(Mapping[str, Any]):
    """``document``, whose keys are attributes too; tables inside are ``Values``, lists are tuples.

    The values were checked against the manifest's schema by whoever sent them, so each is there and of its type.
    """

    __slots__ = ("_document",)

    def __init__(self, document: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_document", {key: _frozen(value) for key, value in document.items()})

    def __getitem__(self, key: str) -> Any:
        return self._document[key]

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self._document[key]
        except KeyError:
            known = ", ".join(self._document) or "none"
            raise AttributeError(f"There is no setting '{key}'. There are: {known}.") from None

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError("Settings are changed by the owner, not by the service.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)

    def __repr__(self) -> str:
        return f"Values({self._document!r})"


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Values(value)
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value
