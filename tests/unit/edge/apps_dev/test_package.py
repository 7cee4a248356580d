"""A packed service: the same bytes from the same files, nothing that is no plain file, and it can be unpacked."""

import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from eyespot.contracts.service import read_manifest
from eyespot.edge.apps_dev.package import MAX_FILES, build
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.kernel.errors import EyespotError, Kind


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = scaffold("fresh", tmp_path / "a"), scaffold("fresh", tmp_path / "b")
    for folder, order in ((one, ("x", "y")), (two, ("y", "x"))):
        (folder / "more").mkdir()
        for name in order:
            (folder / "more" / name).write_text(name)
    os.utime(two / "app.py", (1, 1))
    (two / "README.md").chmod(0o600)
    (two / "__pycache__").mkdir()
    (two / "__pycache__" / "app.pyc").write_bytes(b"made")
    first, second = build(one, one), build(two, tmp_path / "out")
    assert first.path.name == "fresh-0.1.0.eyespot-app"
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.digest == hashlib.sha256(first.path.read_bytes()).hexdigest() == second.digest
    assert build(one, one).digest == first.digest, "the package before is not packed into the next"
    (two / "app.py").chmod(0o755)
    assert build(two, tmp_path / "out").digest != first.digest
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [first.path.name], "no draft is left"


def test_it_holds_what_the_folder_holds(tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    package = build(folder, tmp_path / "out")
    with tarfile.open(package.path) as archive:
        assert all((one.mtime, one.uid, one.gid, one.uname) == (0, 0, 0, "") for one in archive.getmembers())
        archive.extractall(tmp_path / "there", filter="data")
    assert read_manifest(tmp_path / "there") == read_manifest(folder)
    assert (tmp_path / "there" / "app.py").read_bytes() == (folder / "app.py").read_bytes()
    assert package.files == 4


def test_a_link_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    (folder / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(EyespotError, match="'passwd' is a link") as raised:
        build(folder, tmp_path / "out")
    assert raised.value.kind is Kind.INVALID
    assert not (tmp_path / "out").exists()


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    for number in range(MAX_FILES):
        (folder / str(number)).touch()
    with pytest.raises(EyespotError) as raised:
        build(folder, tmp_path / "out")
    assert raised.value.kind is Kind.TOO_LARGE


def test_what_is_no_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match=r"service\.toml"):
        build(tmp_path, tmp_path / "out")
