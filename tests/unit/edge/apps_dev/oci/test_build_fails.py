"""Where an image cannot be made it is said what to do, and what was there stays."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eyespot.cli.app import app
from eyespot.edge.apps_dev.oci import programs
from eyespot.edge.apps_dev.oci.arch import ARCHES, Arch
from eyespot.edge.apps_dev.oci.base import Base, Say
from eyespot.edge.apps_dev.oci.binfmt import find_qemu, rule_for, runnable
from eyespot.edge.apps_dev.oci.build import build_images
from eyespot.edge.apps_dev.oci.debian import own_debian
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.kernel.errors import EyespotError, Kind

AMD64, ARM64 = ARCHES["amd64"], ARCHES["arm64"]


def broken(arch: Arch, node: bool, work: Path, say: Say) -> Base:
    (work / "half").write_text("made")
    raise OSError(28, "No space left on device")


def test_a_build_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("eyespot.edge.apps_dev.oci.build.require", lambda *programs: None)
    into = tmp_path / "out"
    into.mkdir()
    (into / "fresh-0.1.0.eyespot-app").write_text("older")
    with pytest.raises(EyespotError, match="No space left") as raised:
        build_images(scaffold("fresh", tmp_path), into, [AMD64], tmp_path / "cache", lambda line: None, broken)
    assert raised.value.kind is Kind.UNAVAILABLE
    assert [(one.name, one.read_text()) for one in into.iterdir()] == [("fresh-0.1.0.eyespot-app", "older")]
    assert list((tmp_path / "cache" / "oci" / "work").iterdir()) == []


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "PODMAN_ENV", {"PATH": str(tmp_path)})
    with pytest.raises(EyespotError, match=r"debootstrap and buildah are not installed\. Install the Debian package"):
        programs.require("debootstrap", "buildah")


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(EyespotError, match=r"It failed \(sh ended with 3\): no such thing"):
        programs.run(["sh", "-c", "echo no such thing >&2; exit 3"], "It failed")


def test_without_root_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EyespotError, match="Run it as root"):
        build_images(scaffold("fresh", tmp_path), tmp_path, [AMD64], tmp_path / "cache", lambda line: None)


def test_qemu_is_asked_for_by_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EyespotError, match="Install the Debian package qemu-user-static"):
        find_qemu(ARM64, tmp_path)
    kept = tmp_path / "arm64" / "qemu" / "usr" / "bin" / "qemu-aarch64"
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    kept.chmod(0o755)
    assert find_qemu(ARM64, tmp_path) == kept


@pytest.mark.parametrize(("flags", "registered"), [("POF", False), ("PO", True)])
def test_a_rule_that_works_in_another_root_is_used(
    flags: str, registered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu = tmp_path / "bin" / "qemu-aarch64-static"
    qemu.parent.mkdir()
    qemu.write_text("")
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", str(qemu.parent))
    binfmt = tmp_path / "binfmt"
    binfmt.mkdir()
    (binfmt / "register").write_text("")
    magic = "7f454c460201010000000000000000000200b700"
    (binfmt / "qemu").write_text(f"enabled\ninterpreter /q\nflags: {flags}\noffset 0\nmagic {magic}\n")
    with runnable(ARM64, tmp_path, binfmt):
        assert bool((binfmt / "register").read_text()) is registered
    if registered:
        assert (binfmt / "register").read_text() == rule_for("eyespot-oci-aarch64", ARM64, qemu)


def test_another_system_than_debian_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID="fedora"\nVERSION_CODENAME=""\n')
    with pytest.raises(EyespotError, match="this is no Debian"):
        own_debian(tmp_path / "os-release")


def test_an_architecture_without_an_image_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["build", str(scaffold("fresh", tmp_path)), "--arch", "arm64"])
    assert "--arch is for images. Say --oci too" in str(done.exception)
