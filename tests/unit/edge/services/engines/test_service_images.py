"""Images in podman's storage where it is not as it should be, against a storage in memory; the real one is in
tests/e2e/test_service_images.py."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from eyespot.edge.services.engines import service_images
from eyespot.edge.services.engines.contract import Image
from eyespot.edge.services.engines.service_images import ensure_loaded, let_go, name_of
from eyespot.kernel.errors import EyespotError, Kind

ID, LAYER = "a" * 64, "sha256:" + "b" * 64
OWN = name_of(f"sha256:{ID}", "me")


class Storage:
    """podman's storage with one image at most.

    Attributes:
        image: what `podman image inspect` says.
        loads: what the archive holds; None: it cannot be loaded.
    """

    def __init__(self) -> None:
        self.image: dict[str, Any] | None = None
        self.loads: dict[str, Any] | None = {"Id": ID, "RootFS": {"Layers": [LAYER]}, "Annotations": {}, "RepoTags": []}
        self.asked: list[str] = []
        self.is_used = False

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        self.asked.append(" ".join(words[:2]) if words[0] == "image" else words[0])
        said = ""
        match words:
            case ("image", "inspect", _):
                status, said = (0, json.dumps([self.image])) if self.image else (125, "")
            case ("load", *_):
                status = 0 if self.loads else 125
                self.image = {**self.loads, "RepoTags": (self.image or {}).get("RepoTags", [])} if self.loads else None
            case ("tag", _, name):
                assert self.image is not None
                self.image["RepoTags"].append(name)
                status = 0
            case ("image", "exists", name):
                status = 0 if self.image and name in self.image["RepoTags"] else 1
            case ("image", "rm", name):
                status = 2 if self.is_used else 0 if self.image and name in self.image["RepoTags"] else 1
                if self.image and not status:
                    self.image["RepoTags"].remove(name)
                    self.image = self.image if self.image["RepoTags"] else None
            case _:
                raise AssertionError(words)
        return subprocess.CompletedProcess(words, status, said, "no space left on device")


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Storage:
    made = Storage()
    monkeypatch.setattr(service_images, "ask_podman", made.ask)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    return made


@pytest.fixture
def image(tmp_path: Path) -> Image:
    archive = tmp_path / "kept.oci.tar"
    archive.write_bytes(b"an archive")
    return Image(f"sha256:{ID}", (LAYER,), archive, hashlib.sha256(b"an archive").hexdigest())


def test_it_is_loaded_once_and_looked_at_from_then_on(storage: Storage, image: Image) -> None:
    assert ensure_loaded(image, "me") == image.config
    assert storage.asked == ["image inspect", "load", "image inspect", "tag"]
    storage.asked.clear()
    image.archive.unlink()
    assert ensure_loaded(image, "me") == image.config
    assert storage.asked == ["image inspect"], "what podman holds needs no archive"


def test_an_image_that_others_loaded_with_annotations_is_loaded_over(storage: Storage, image: Image) -> None:
    assert storage.loads is not None
    storage.image = {**storage.loads, "Annotations": {"run.oci.handler": "krun"}, "RepoTags": ["localhost/x:1"]}
    ensure_loaded(image, "me")
    assert storage.image["Annotations"] == {}
    assert storage.image["RepoTags"] == ["localhost/x:1", OWN]


@pytest.mark.parametrize(
    "other", [{"Annotations": {"a": "b"}}, {"RootFS": {"Layers": []}}, {"RootFS": None}, {"Id": "c" * 64}]
)
def test_what_is_not_the_pinned_image_is_refused(storage: Storage, image: Image, other: dict[str, Any]) -> None:
    assert storage.loads is not None
    storage.loads = {**storage.loads, **other}
    with pytest.raises(EyespotError, match="is not the image that was installed") as raised:
        ensure_loaded(image, "me")
    assert raised.value.kind is Kind.CORRUPT
    assert "tag" not in storage.asked


@pytest.mark.parametrize("damage", ["gone", "altered"])
def test_without_its_archive_it_cannot_be_loaded(storage: Storage, image: Image, damage: str) -> None:
    if damage == "gone":
        image.archive.unlink()
    else:
        image.archive.write_bytes(b"another archive")
    with pytest.raises(EyespotError, match="its archive is gone or was altered") as raised:
        ensure_loaded(image, "me")
    assert raised.value.kind is Kind.CORRUPT
    assert "load" not in storage.asked


def test_a_load_that_fails_can_be_tried_again(storage: Storage, image: Image) -> None:
    storage.loads = None
    with pytest.raises(EyespotError, match="no space left") as raised:
        ensure_loaded(image, "me")
    assert raised.value.kind is Kind.UNAVAILABLE


def test_one_that_was_removed_while_it_was_loaded_is_let_go(
    storage: Storage, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*words: str) -> "subprocess.CompletedProcess[str]":
        if words[0] == "tag":
            image.archive.unlink()
        return storage.ask(*words)

    monkeypatch.setattr(service_images, "ask_podman", ask)
    with pytest.raises(EyespotError, match="removed meanwhile"):
        ensure_loaded(image, "me")
    assert storage.image is None


def test_letting_go_takes_ones_own_name_and_says_what_is_gone(storage: Storage, image: Image) -> None:
    ensure_loaded(image, "me")
    ensure_loaded(image, "you")
    storage.is_used = True
    assert let_go([image.config], "me") == set()
    storage.is_used = False
    assert let_go([image.config], "me") == {image.config}
    assert storage.image is not None, "another host needs it"
    assert let_go([image.config], "me") == {image.config}, "gone already"
    assert let_go([image.config], "you") == {image.config}
    assert storage.image is None
