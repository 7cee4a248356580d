"""The config file on disk: load, validate, show without secrets, and edit in place with comments kept.

An etag is the SHA-256 of the file's bytes; a write names the etag it was based on and is refused when stale.
Passwords in addresses are replaced by ``***`` for reading; a written address that still has them masked gets the
stored ones back.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Table

from eyespot.edge.config import CameraHostConfig
from eyespot.kernel.config import load_toml, validate
from eyespot.kernel.errors import EyespotError, Kind, invalid

_USERINFO = re.compile(r"^(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^/@\s]+)@", re.IGNORECASE)
_MASK = "***"
MAX_DOCUMENT_DEPTH = 12


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """A config file as read.

    Attributes:
        config: the validated settings, with secrets.
        document: the file's own keys as plain values, secrets masked.
        etag: SHA-256 of the file's bytes, hex.
    """

    config: CameraHostConfig
    document: dict[str, Any]
    etag: str


def load_config(path: Path) -> CameraHostConfig:
    """The settings in ``path``; raises ``INVALID`` that names every mistake and its place."""
    return validate(CameraHostConfig, load_toml(path), str(path))


def read_document(path: Path) -> ConfigDocument:
    """The file with its etag, for showing; raises ``INVALID``."""
    plain = load_toml(path)
    etag = hashlib.sha256(path.read_bytes()).hexdigest()
    return ConfigDocument(validate(CameraHostConfig, plain, str(path)), _masked(plain), etag)


def write_document(path: Path, document: Mapping[str, Any], etag: str) -> ConfigDocument:
    """Make the file say ``document`` (masked secrets kept, comments of untouched places kept) and return it anew.

    Raises ``CONFLICT`` when the file is no longer what ``etag`` names, and ``INVALID`` when the document breaks its
    rules; the file is then unchanged. The new file replaces the old one atomically.
    """
    old_bytes = path.read_bytes()
    if hashlib.sha256(old_bytes).hexdigest() != etag:
        raise EyespotError(Kind.CONFLICT, f"{path.name} was changed meanwhile.", "Load it again and repeat the change.")
    _check_depth(document)
    old = load_toml(path)
    wanted = _unmasked(_plain(document), old, _known_secrets(old))
    validate(CameraHostConfig, wanted, path.name)
    try:
        toml = tomlkit.parse(old_bytes.decode("utf-8"))
        _merge(toml, wanted)
        text = tomlkit.dumps(toml)
        if tomlkit.parse(text).unwrap() != wanted:  # comments are worth less than the truth
            text = tomlkit.dumps(wanted)
    except TOMLKitError as error:
        raise invalid(f"{path.name} cannot be edited: {error}.", "Correct its TOML by hand.") from error
    replace_file(path, text.encode("utf-8"))
    return read_document(path)


def replace_file(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write ``content`` to ``path`` so that a crash leaves the old file or the new one, never a part."""
    if mode is None:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:  # whatever went wrong, no half-written draft stays behind
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return _USERINFO.sub(rf"\g<scheme>{_MASK}@", value) if isinstance(value, str) else value


def _known_secrets(value: Any) -> dict[str, str]:
    """Masked address → real address, for every address with a secret in the stored document."""
    found: dict[str, str] = {}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found.update(_known_secrets(item))
    elif isinstance(value, str) and _masked(value) != value:
        found[_masked(value)] = value
    return found


def _unmasked(value: Any, old: Any, known: Mapping[str, str]) -> Any:
    """``value`` with masked user infos put back: from the same place of ``old`` first, else from an equal address."""
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        return {key: _unmasked(item, before.get(key), known) for key, item in value.items()}
    if isinstance(value, list):
        places = old if isinstance(old, list) else []
        return [_unmasked(item, _counterpart(item, index, places), known) for index, item in enumerate(value)]
    match = _USERINFO.match(value) if isinstance(value, str) else None
    if match is None or match["user"] != _MASK:
        return value
    if value in known:
        return old if isinstance(old, str) and _masked(old) == value else known[value]
    raise invalid(
        f"The address {value[:200]} has its user and password masked, and no such address is stored.",
        "Write the user and password out.",
    )


def _counterpart(item: Any, index: int, places: list[Any]) -> Any:
    """The entry of ``places`` that ``item`` came from: by id or name, else by position."""
    if isinstance(item, dict):
        for key in ("id", "name", "path"):
            if key in item:
                return next((old for old in places if isinstance(old, dict) and old.get(key) == item[key]), None)
    return places[index] if index < len(places) else None


def _plain(value: Any) -> Any:
    """JSON values without nulls: TOML has none, and an absent key means the default."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > MAX_DOCUMENT_DEPTH:
        raise invalid("The config document is nested too deep.", "Send the document in the shape of its schema.")
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _check_depth(item, depth + 1)


def _merge(target: Any, wanted: dict[str, Any]) -> None:
    """Change the tables of ``target`` until they say ``wanted``; what is equal already is not touched."""
    for key in [key for key in target if key not in wanted]:
        del target[key]
    for key, value in wanted.items():
        if key not in target:
            target[key] = _table_or_value(value)
        elif isinstance(value, dict) and isinstance(target[key], Table):
            _merge(target[key], value)
        elif isinstance(target[key], AoT) and _all_tables(value):
            _merge_tables(target, key, value)
        elif _unwrapped(target[key]) != value:
            target[key] = _table_or_value(value)


def _merge_tables(target: Any, key: str, wanted: list[dict[str, Any]]) -> None:
    tables: AoT = target[key]
    if len(tables) != len(wanted) or any(_identity(a) != _identity(b) for a, b in zip(tables, wanted, strict=True)):
        target[key] = _table_or_value(wanted)
        return
    for table, value in zip(tables, wanted, strict=True):
        _merge(table, value)


def _identity(table: Any) -> Any:
    return next((str(table[key]) for key in ("id", "name", "path") if key in table), None)


def _all_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _unwrapped(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value


def _table_or_value(value: Any) -> Any:
    if isinstance(value, dict):
        table = tomlkit.table()
        for key, item in value.items():
            table[key] = _table_or_value(item)
        return table
    if _all_tables(value):
        tables = tomlkit.aot()
        for item in value:
            tables.append(_table_or_value(item))
        return tables
    if isinstance(value, list):
        array: Array = tomlkit.array()
        array.extend(value)
        return array
    return tomlkit.item(value)
