"""A new service's folder is right as it is, and nothing that exists is touched. It is run in tests/unit/sdk."""

import tomllib
from pathlib import Path

import pytest

from eyespot.contracts.service import read_manifest
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.kernel.errors import EyespotError, Kind


def test_the_manifest_is_taken(tmp_path: Path) -> None:
    folder = scaffold("back-door", tmp_path)
    manifest = read_manifest(folder)
    assert (manifest.service.name, manifest.service.title) == ("back-door", "Back door")
    assert tomllib.loads((folder / "service.toml").read_text())["permissions"] == {"emit": ["dark"]}
    assert "$" not in "".join(file.read_text() for file in folder.rglob("*") if file.is_file())


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(EyespotError) as raised:
        scaffold("mine", tmp_path)
    assert raised.value.kind is Kind.CONFLICT
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize("name", ["Upper", "../up", "eyespot-media", "a" * 33, ""])
def test_a_name_that_no_service_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(EyespotError) as raised:
        scaffold(name, tmp_path)
    assert raised.value.kind is Kind.INVALID
    assert list(tmp_path.iterdir()) == []
