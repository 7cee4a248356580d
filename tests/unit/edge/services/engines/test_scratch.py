"""A service's storage: made, kept, repaired, and refused when it cannot be opened."""

import os
import subprocess
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


@pytest.mark.usefixtures("mounted")
def test_an_image_that_another_namespace_still_holds_is_waited_for(tmp_path: Path) -> None:
    """Every namespace in the making holds a copy of all mounts: a check or a resize then would destroy the storage."""
    first = open_scratch(tmp_path / "one", 4, OWNER)
    (first.where / "kept").write_bytes(bytes(1 << 20))
    with subprocess.Popen(["unshare", "--mount", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        assert holder.stdout.read(1) == b"\n"
        first.close()
        assert not os.path.ismount(first.where)
        waits: list[float] = []

        def pause(seconds: float) -> None:
            waits.append(seconds)
            holder.kill()
            holder.wait()

        again = open_scratch(tmp_path / "one", 8, OWNER, pause)
    kept = (again.where / "kept").stat().st_size
    again.close()
    assert waits != []
    assert kept == 1 << 20


@pytest.mark.usefixtures("mounted")
def test_an_image_that_stays_in_use_is_refused(tmp_path: Path) -> None:
    first = open_scratch(tmp_path / "one", 4, OWNER)
    with subprocess.Popen(["unshare", "--mount", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        assert holder.stdout.read(1) == b"\n"
        first.close()
        with pytest.raises(EyespotError) as caught:
            open_scratch(tmp_path / "one", 4, OWNER, lambda _: None)
        holder.kill()
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "still in use" in caught.value.what


def test_without_size_it_is_a_plain_folder(tmp_path: Path) -> None:
    storage = open_scratch(tmp_path / "one", 0, os.geteuid())
    assert (storage.where, storage.mounted) == (tmp_path / "one" / FOLDER, False)
    assert storage.where.stat().st_mode & 0o777 == 0o700
    storage.close()


@pytest.mark.usefixtures("mounted")
def test_a_namespace_that_another_service_keeps_does_not_hold_it(tmp_path: Path) -> None:
    """As podman does for its monitor of a container: a copy of all mounts, kept until that container ends."""
    storage = open_scratch(tmp_path / "one", 4, OWNER)
    copy = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", "echo; read end"]
    with subprocess.Popen(copy, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        storage.close()
        open_scratch(tmp_path / "one", 4, OWNER, lambda _: pytest.fail("it had to be waited for")).close()
        other.communicate()
