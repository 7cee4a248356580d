"""Real little Debian packages, sound and spoiled, looked at by scripts/deb_check.py."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from load_script import load

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
check = load("deb_check")
ELF_ARM64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"
Spoil = Callable[[Path], object]


def build(tmp_path: Path, spoil: Spoil, arch: str = "arm64", *, root_owned: bool = True) -> Path:
    tree = tmp_path / "tree"
    for name in ("DEBIAN", "opt/eyespot/bin", "usr/bin", "usr/share/doc/eyespot"):
        (tree / name).mkdir(parents=True)
    (tree / "opt/eyespot/bin/nats-server").write_bytes(ELF_ARM64)
    (tree / "opt/eyespot/bin/python3").symlink_to("/usr/bin/python3.11")
    (tree / "usr/bin/eyespot").symlink_to("/opt/eyespot/bin/eyespot")
    control = f"Package: eyespot\nVersion: 1\nArchitecture: {arch}\nMaintainer: a <a@localhost>\nDescription: test\n"
    (tree / "DEBIAN/control").write_text(control)
    spoil(tree)
    for folder in [tree, *(path for path in tree.rglob("*") if path.is_dir() and not path.is_symlink())]:
        folder.chmod(0o755)
    package = tmp_path / "test.deb"
    owner = ["--root-owner-group"] if root_owned else []
    subprocess.run(["dpkg-deb", *owner, "-Znone", "--build", str(tree), str(package)], check=True, capture_output=True)
    return package


def write(name: str, content: bytes = b"x", mode: int = 0o644) -> Spoil:
    def spoil(tree: Path) -> None:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)

    return spoil


def test_a_sound_package_passes(tmp_path: Path) -> None:
    assert check.findings(build(tmp_path, lambda _: None)) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (write("etc/eyespot/config.toml"), "a file outside"),
        (write("home/builder/.cache/pip"), "a folder outside"),
        (write("usr/bin/python3"), "usr/bin/python3: a file outside"),
        (write("opt/eyespot/bin/tool", mode=0o4755), "mode 4755"),
        (write("opt/eyespot/lib/open", mode=0o666), "mode 666"),
        (write("opt/eyespot/lib/x.so", ELF_ARM64.replace(b"\xb7", b"\x3e")), "another architecture"),
        (lambda tree: (tree / "opt/eyespot/bin/python").symlink_to("/home/builder/python"), "links to /home"),
        (lambda tree: (tree / "opt/eyespot/up").symlink_to("../../etc/passwd"), "links upwards"),
    ],
    ids=["config", "build folder", "system file", "setuid", "writable", "machine code", "link out", "link up"],
)
def test_a_stray_is_found(tmp_path: Path, spoil: Spoil, said: str) -> None:
    assert any(said in text for text in check.findings(build(tmp_path, spoil)))


def test_a_package_for_every_machine_holds_no_machine_code(tmp_path: Path) -> None:
    assert any("another architecture" in text for text in check.findings(build(tmp_path, lambda _: None, "all")))


def test_the_program_ends_with_its_verdict(tmp_path: Path) -> None:
    package = build(tmp_path, write("etc/stray"))
    done = subprocess.run([sys.executable, check.__file__, str(package)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "etc/stray" in done.stderr
