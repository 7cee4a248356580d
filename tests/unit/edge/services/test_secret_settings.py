"""Secrets among settings: stars for people, sealed in the store, and never given to what they were not entered for."""

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.launching import prepare, settings_of
from eyespot.edge.services.sealing import seal_old
from eyespot.edge.services.secret_settings import STARS, masked, unmasked
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.errors import EyespotError, Kind

MANIFEST = """
[service]
name = "NAME"
version = "1.0.0"
title = "Teller"
command = ["python3", "main.py"]
[[view]]
name = "door"
[config]
type = "object"
[config.properties.token]
type = "string"
format = "password"
[config.properties.rooms]
type = "array"
[config.properties.rooms.items]
type = "object"
[config.properties.rooms.items.properties.url]
type = "string"
[config.properties.rooms.items.properties.password]
type = "string"
format = "password"
[config.properties.words]
type = "array"
[config.properties.words.items]
type = "string"
format = "password"
"""
ROOMS = {
    "type": "array",
    "items": {"properties": {"url": {"type": "string"}, "password": {"type": "string", "format": "password"}}},
}
WORDS = {"type": "array", "items": {"type": "string", "format": "password"}}
A, B = {"url": "a", "password": "for a"}, {"url": "b", "password": "for b"}
CANARIES = ("canary-token", "canary-room", "canary-word")
SETTINGS: dict[str, Any] = {
    "token": CANARIES[0],
    "rooms": [{"url": "a", "password": CANARIES[1]}],
    "words": [CANARIES[2]],
}


@pytest.fixture
def layout(tmp_path: Path) -> StateLayout:
    return StateLayout.of(tmp_path / "state")


@pytest.fixture
def installed(layout: StateLayout) -> Iterator[Installed]:
    store = ServiceStore(layout.services_db)
    yield Installed(layout, store, free_bytes=lambda _: 1 << 40)
    store.close()


def source(folder: Path, name: str = "teller") -> Path:
    folder.mkdir()
    (folder / "service.toml").write_text(MANIFEST.replace("NAME", name))
    (folder / "main.py").write_text("pass\n")
    return folder


def on_disk(layout: StateLayout) -> bytes:
    return b"".join(path.read_bytes() for path in layout.state.glob("services.db*"))


def test_secrets_are_sealed_in_the_store_and_plain_for_the_service_alone(
    installed: Installed, layout: StateLayout, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    installed.install(source(tmp_path / "teller"), "yard", settings=SETTINGS)
    for wanted in (SETTINGS, unmasked({"properties": {"rooms": ROOMS, "words": WORDS}}, SETTINGS, {})):
        row = installed.configure("teller", wanted)
        assert row.settings == installed.store.get("teller").settings
    stored = on_disk(layout)
    assert b"teller" in stored
    assert b'"url": "a"' in stored, "what is no secret can be read"
    checked = installed.check(installed.store.get("teller"))
    for canary in CANARIES:
        assert canary.encode() not in stored
        assert canary not in repr(checked.row)
        assert canary not in caplog.text
    assert settings_of(layout, checked) == SETTINGS
    assert CANARIES[0] in (prepare(layout, checked, "1").run / "service.json").read_text()
    assert layout.services_key.stat().st_mode & 0o777 == 0o600
    assert layout.services_key.parent.stat().st_mode & 0o777 == 0o700


def test_stars_keep_a_sealed_secret_and_sealing_again_keeps_the_text(
    installed: Installed, layout: StateLayout, tmp_path: Path
) -> None:
    installed.install(source(tmp_path / "teller"), "yard", settings=SETTINGS)
    row = installed.store.get("teller")
    schema = installed.check(row).manifest.config
    shown = masked(schema, row.settings)
    assert shown == {"token": STARS, "rooms": [{"url": "a", "password": STARS}], "words": [STARS]}
    installed.configure("teller", unmasked(schema, shown | {"token": "new"}, row.settings))
    assert settings_of(layout, installed.check(installed.store.get("teller"))) == SETTINGS | {"token": "new"}


def test_what_an_earlier_version_stored_is_sealed_and_gone_from_the_file(
    installed: Installed, layout: StateLayout, tmp_path: Path
) -> None:
    installed.install(source(tmp_path / "teller"), "yard")
    digest = installed.store.get("teller").digest
    installed.store.set_settings("teller", digest, SETTINGS)  # as the versions before did
    assert all(canary.encode() in on_disk(layout) for canary in CANARIES)
    checked = installed.check(installed.store.get("teller"))
    assert settings_of(layout, checked) == SETTINGS, "it runs also before they are sealed"
    seal_old(installed)
    assert not any(canary.encode() in on_disk(layout) for canary in CANARIES)
    row = installed.store.get("teller")
    assert settings_of(layout, installed.check(row)) == SETTINGS
    seal_old(installed)
    assert installed.store.get("teller") == row, "sealed once"


@pytest.mark.parametrize("damage", ["gone", "another", "broken"])
def test_a_lost_key_is_told_and_the_secret_is_asked_for_anew(
    installed: Installed, layout: StateLayout, tmp_path: Path, damage: str
) -> None:
    installed.install(source(tmp_path / "teller"), "yard", settings={"token": "old"})
    row = installed.store.get("teller")
    match damage:
        case "gone":
            layout.services_key.unlink()
        case "another":
            layout.services_key.write_text("00" * 32)
        case _:
            layout.services_key.write_text("no key")
    with pytest.raises(EyespotError) as caught:
        settings_of(layout, installed.check(row))
    assert caught.value.kind == Kind.UNAVAILABLE, "putting the key back is enough: it is tried again"
    assert str(layout.services_key) in caught.value.what
    assert ("teller.token" in caught.value.what) == (damage != "broken")
    assert "again" in caught.value.todo
    if damage == "broken":
        layout.services_key.unlink()
    with pytest.raises(EyespotError):
        installed.configure("teller", row.settings or {})
    installed.configure("teller", {"token": "new"})
    assert settings_of(layout, installed.check(installed.store.get("teller"))) == {"token": "new"}


def test_a_sealed_secret_opens_for_nobody_else_and_nowhere_else(
    installed: Installed, layout: StateLayout, tmp_path: Path
) -> None:
    installed.install(source(tmp_path / "teller"), "yard", settings={"token": "mine"})
    installed.install(source(tmp_path / "other", "other"), "yard")
    sealed = (installed.store.get("teller").settings or {})["token"]
    for name, settings in (("other", {"token": sealed}), ("teller", {"words": [sealed]})):
        with pytest.raises(EyespotError) as caught:
            installed.configure(name, settings)
        assert "sealed for something else" in caught.value.what
    database = sqlite3.connect(layout.services_db)
    database.execute("UPDATE service SET settings = (SELECT settings FROM service WHERE name = 'teller')")
    database.commit()
    database.close()
    with pytest.raises(EyespotError):
        settings_of(layout, installed.check(installed.store.get("other")))


@pytest.mark.parametrize(
    ("schema", "sent", "found"),
    [
        (ROOMS, [A | {"password": STARS}, B | {"password": STARS}], [A, B]),
        (ROOMS, [B | {"password": STARS}], [B]),
        (ROOMS, [B | {"password": STARS}, A | {"password": STARS}], [B, A]),
        (ROOMS, [{"url": "new", "password": "n"}, B | {"password": STARS}], [{"url": "new", "password": "n"}, B]),
        (ROOMS, [A | {"password": STARS}, {"url": "c", "password": STARS}], [A, {"url": "c", "password": "for b"}]),
        (ROOMS, [], []),
        (WORDS, [STARS, STARS], ["x", "y"]),
        (WORDS, ["new", STARS, STARS], ["new", "x", "y"]),
        (WORDS, ["new", STARS], ["new", "y"]),
    ],
)
def test_stars_in_a_list_come_back_to_the_entry_they_were_shown_for(schema: Any, sent: Any, found: Any) -> None:
    assert unmasked(schema, sent, [A, B] if schema is ROOMS else ["x", "y"]) == found


@pytest.mark.parametrize(
    ("schema", "sent"),
    [(ROOMS, [{"url": "c", "password": STARS}]), (ROOMS, [A, B, {"url": "c", "password": STARS}]), (WORDS, [STARS])],
)
def test_stars_that_could_stand_for_another_secret_are_refused(schema: Any, sent: Any) -> None:
    with pytest.raises(EyespotError) as caught:
        unmasked(schema, sent, [A, B] if schema is ROOMS else ["x", "y"])
    assert caught.value.kind == Kind.INVALID
    assert "again" in caught.value.todo
