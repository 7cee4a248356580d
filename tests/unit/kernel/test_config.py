"""Config mistakes are told by their place, with the nearest known name."""

from pathlib import Path

import pytest

from eyespot.kernel.config import MAX_CONFIG_BYTES, Settings, cache_dir, load_toml, read_env, validate
from eyespot.kernel.errors import EyespotError, Kind


class Inner(Settings):
    width_px: int = 5


class Outer(Settings):
    name: str
    inner: Inner = Inner()


def test_a_good_document_is_taken() -> None:
    document = validate(Outer, {"name": "x", "inner": {"width_px": 7}}, "test")
    assert document.inner.width_px == 7


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    with pytest.raises(EyespotError, match=r"inner\.widht_px: unknown key, did you mean 'width_px'") as error:
        validate(Outer, {"name": "x", "inner": {"widht_px": 7}}, "config.toml")
    assert error.value.kind is Kind.INVALID
    assert error.value.what.startswith("config.toml: ")


def test_every_mistake_is_told() -> None:
    with pytest.raises(EyespotError, match=r"name: .*inner\.width_px: "):
        validate(Outer, {"inner": {"width_px": "wide"}}, "config.toml")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Inner().width_px = 7  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"a = \nb = 1", "line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b"#" * (MAX_CONFIG_BYTES + 1), "larger"),
        (None, "no config file"),
    ],
)
def test_files_that_are_no_config_are_explained(tmp_path: Path, content: bytes | None, word: str) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EyespotError, match=word) as error:
        load_toml(path)
    assert error.value.kind is Kind.INVALID
    assert error.value.todo


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="is a folder"):
        load_toml(tmp_path)


def test_toml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('name = "x"\n[inner]\nwidth_px = 9\n')
    assert load_toml(path) == {"name": "x", "inner": {"width_px": 9}}


def test_the_environment_says_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EYESPOT_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
    assert read_env("CACHE") == str(tmp_path / "own")
    monkeypatch.delenv("EYESPOT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "eyespot"
    assert read_env("NOTHING", "else") == "else"
