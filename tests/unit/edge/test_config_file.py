"""Editing the config file in place: comments kept, secrets hidden and kept, stale and broken edits refused."""

import copy
from pathlib import Path
from typing import Any

import pytest

from eyespot.edge.config_file import load_config, read_document, write_document
from eyespot.kernel.errors import EyespotError, Kind

TEXT = """# my cameras
[web]
port = 8450  # the usual

[[camera]]
id = "front"   # the door
[[camera.stream]]
name = "main"
source = "rtsp://admin:s3cret@10.0.0.2/main"
[[camera.stream]]
name = "small"
source = "rtsp://admin:s3cret@10.0.0.2/small"

[[camera]]
id = "back"
[[camera.stream]]
name = "main"
source = "rtsp://admin:other@10.0.0.2/main"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(TEXT)
    file.chmod(0o640)
    return file


def edit(path: Path, **web: Any) -> dict[str, Any]:
    document = copy.deepcopy(read_document(path).document)
    document["web"].update(web)
    return document


def test_an_edit_keeps_comments_mode_and_everything_untouched(path: Path) -> None:
    after = write_document(path, edit(path, port=9000), read_document(path).etag)
    assert path.read_text() == TEXT.replace("8450", "9000")
    assert path.stat().st_mode & 0o777 == 0o640
    assert after.config.web.port == 9000
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]


def test_secrets_are_masked_for_reading_and_kept_when_written_back(path: Path) -> None:
    read = read_document(path)
    assert "s3cret" not in str(read.document)
    assert read.document["camera"][0]["stream"][0]["source"] == "rtsp://***@10.0.0.2/main"
    document = copy.deepcopy(read.document)
    document["camera"].reverse()
    written = write_document(path, document, read.etag)
    sources = {camera.id: camera.stream[0].source for camera in written.config.camera}
    assert sources == {"back": "rtsp://admin:other@10.0.0.2/main", "front": "rtsp://admin:s3cret@10.0.0.2/main"}


def test_a_masked_secret_cannot_be_sent_to_another_address(path: Path) -> None:
    read = read_document(path)
    document = copy.deepcopy(read.document)
    document["camera"][0]["stream"][0]["source"] = "rtsp://***@evil.example/main"
    with pytest.raises(EyespotError) as raised:
        write_document(path, document, read.etag)
    assert raised.value.kind is Kind.INVALID
    assert path.read_text() == TEXT


def test_a_stale_edit_is_refused(path: Path) -> None:
    etag = read_document(path).etag
    document = edit(path, port=1)
    path.write_text(TEXT + "\n# by hand\n")
    with pytest.raises(EyespotError) as raised:
        write_document(path, document, etag)
    assert raised.value.kind is Kind.CONFLICT


def test_a_wrong_edit_leaves_the_file_alone(path: Path) -> None:
    with pytest.raises(EyespotError, match="port"):
        write_document(path, edit(path, port=70_000), read_document(path).etag)
    assert path.read_text() == TEXT


def test_zones_can_be_added_changed_and_removed(path: Path) -> None:
    zone = {"name": "porch", "points": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]], "loiter_s": None}
    for zones in ([zone], [{**zone, "loiter_s": 5.0}, {**zone, "name": "b"}], [{**zone, "name": "b"}], []):
        read = read_document(path)
        document = copy.deepcopy(read.document)
        document["camera"][0]["zone"] = zones
        write_document(path, document, read.etag)
        found = load_config(path).camera[0].zone
        assert [(one.name, one.loiter_s) for one in found] == [(one["name"], one["loiter_s"]) for one in zones]
    assert "# the door" in path.read_text()


def test_a_document_nested_without_end_is_refused(path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"web": deep}
    with pytest.raises(EyespotError, match="nested"):
        write_document(path, deep, read_document(path).etag)
