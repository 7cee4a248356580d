"""Layers: the same bytes from the same things, nobody's rights, nothing of the machine that made them."""

import marshal
import os
import tarfile
from pathlib import Path

from eyespot.edge.apps_dev.oci.debian import kept
from eyespot.edge.apps_dev.oci.layer import Entry, tree, write_layer
from eyespot.edge.apps_dev.oci.sdk import byte_code, folders, own_entries


def test_order_and_times_leave_no_trace(tmp_path: Path) -> None:
    made = []
    for number, names in enumerate(("ab", "ba")):
        root = tmp_path / str(number)
        for name in names:
            (root / name).mkdir(parents=True)
            (root / name / "file").write_text(name)
            os.utime(root / name / "file", (number, number))
        write_layer(tree(root), tmp_path / f"{number}.tar")
        made.append((tmp_path / f"{number}.tar").read_bytes())
    assert made[0] == made[1]


def test_links_stay_links_pipes_and_set_id_bits_go(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "su").write_text("program")
    (root / "su").chmod(0o4755)
    (root / "link").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")
    write_layer([*tree(root), Entry("deep/down/file", b"x", 0o644)], tmp_path / "layer.tar")
    with tarfile.open(tmp_path / "layer.tar") as tar:
        members = {one.name: one for one in tar}
    assert sorted(members) == ["deep", "deep/down", "deep/down/file", "link", "su"]
    assert (members["su"].mode, members["link"].linkname) == (0o755, "/etc/passwd")
    assert members["deep/down"].isdir()


def test_nothing_of_this_machine_is_in_a_base(tmp_path: Path) -> None:
    gone = (
        "etc/resolv.conf", "etc/hostname", "etc/apt/sources.list", "etc/shadow", "etc/passwd-", "var/log/dpkg.log",
        "var/cache/apt/pkgcache.bin", "dev/null", "usr/share/man/man1/ls.1.gz", "usr/share/doc/bash/NEWS",
    )  # fmt: skip
    stays = ("etc/passwd", "usr/bin/python3.11", "usr/share/doc/bash/copyright", "var/lib/dpkg/status")
    for name in (*gone, *stays):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    names = {entry.name for entry in kept(tmp_path)}
    assert not names.intersection(gone)
    assert names.issuperset((*stays, "dev", "var/log")), "mount points stay, empty"


def test_the_sdks_layer_has_what_services_import_and_nothing_of_the_camera() -> None:
    names = {entry.name for entry in own_entries()}
    assert names.issuperset({f"eyespot/lib/eyespot/{name}" for name in ("__init__.py", "sdk/run.py", "bus/nats.py")})
    assert not [name for name in names if "/edge/" in name or "/media/" in name]
    (scratch,) = [entry for entry in folders() if entry.name == "scratch"]
    assert (scratch.uid, scratch.gid, scratch.mode) == (10_001, 10_001, 0o700)


def test_byte_code_is_of_its_source_and_the_same_each_time() -> None:
    source = Entry("app/one.py", b"def f(): return 'abc', frozenset({'x', 'y'})\n", 0o644)
    newer = Entry("app/two.py", b"this is no Python", 0o644)
    (made,) = byte_code([source, newer])
    assert made.name.startswith("app/__pycache__/one.cpython-")
    assert isinstance(made.content, bytes)
    alive = [marshal.loads(made.content[16:])]  # what else is alive must not change it
    assert [one.content for one in byte_code([source])] == [made.content]
    assert alive[0].co_filename == "/app/one.py"
