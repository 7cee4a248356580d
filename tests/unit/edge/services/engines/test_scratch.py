"""A service's storage: made, kept, repaired, and refused when it cannot be opened."""

import os
from pathlib import Path

import pytest

from eyespot.edge.services.engines.scratch import FOLDER, IMAGE, open_scratch
from eyespot.kernel.errors import EyespotError, Kind

OWNER = 400_000_000


@pytest.fixture
def mounted(tmp_path: Path) -> None:
    storage = open_scratch(tmp_path / "probe", 4, OWNER)
    storage.close()
    if not storage.mounted:
        pytest.skip("no loop devices or no root here: storage is a plain folder")


@pytest.mark.usefixtures("mounted")
def test_is_its_owners_and_of_its_size(tmp_path: Path) -> None:
    storage = open_scratch(tmp_path / "one", 4, OWNER)
    try:
        assert storage.where.stat().st_uid == OWNER
        assert os.path.ismount(storage.where)
        with pytest.raises(OSError, match="No space"):
            (storage.where / "hog").write_bytes(bytes(4 << 20))
    finally:
        storage.close()
    assert not os.path.ismount(storage.where)


@pytest.mark.usefixtures("mounted")
def test_left_mounted_by_an_earlier_life_it_is_opened_again(tmp_path: Path) -> None:
    left = open_scratch(tmp_path / "one", 4, OWNER)
    (left.where / "kept").touch()
    again = open_scratch(tmp_path / "one", 4, OWNER)
    kept = (again.where / "kept").exists()
    again.close()
    assert kept
    assert not os.path.ismount(again.where)


@pytest.mark.usefixtures("mounted")
def test_a_destroyed_image_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_scratch(tmp_path / "one", 4, OWNER).close()
    image = tmp_path / "one" / IMAGE
    image.write_bytes(bytes(4 << 20))
    with pytest.raises(EyespotError) as caught:
        open_scratch(tmp_path / "one", 4, OWNER)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "one" in caught.value.what
    assert image.stat().st_size == 4 << 20


def test_without_size_it_is_a_plain_folder(tmp_path: Path) -> None:
    storage = open_scratch(tmp_path / "one", 0, os.geteuid())
    assert (storage.where, storage.mounted) == (tmp_path / "one" / FOLDER, False)
    assert storage.where.stat().st_mode & 0o777 == 0o700
    storage.close()
