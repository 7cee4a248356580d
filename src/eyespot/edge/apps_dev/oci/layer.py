"""A layer of an image as a tar whose bytes follow from names, modes and contents alone: sorted, all times 0."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a layer.

    Attributes:
        name: its place inside, without the first slash.
        content: a file of this machine, bytes, or None for a folder (and for a link).
        mode: permissions; set-id bits are never kept, as nothing in an image needs other rights than it has.
        link: what a symbolic link points at; empty for files and folders.
        uid: user that it belongs to.
        gid: group that it belongs to.
    """

    name: str
    content: Path | bytes | None
    mode: int
    link: str = ""
    uid: int = 0
    gid: int = 0


def write_layer(entries: Iterable[Entry], target: Path) -> None:
    """Write ``entries`` to the tar ``target`` with the folders above them; of two with one name the last counts."""
    by_name = {entry.name: entry for entry in entries}
    for name in list(by_name):
        for above in PurePosixPath(name).parents:
            if str(above) != ".":
                by_name.setdefault(str(above), Entry(str(above), None, 0o755))
    with target.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(by_name):
            _add(tar, by_name[name])


def tree(root: Path) -> Iterator[Entry]:
    """Everything in the folder ``root`` as entries; devices, pipes and sockets are left out."""
    for path in sorted(root.rglob("*")):
        facts, name = path.lstat(), str(path.relative_to(root))
        uid, gid = facts.st_uid, facts.st_gid
        if path.is_symlink():
            yield Entry(name, None, 0o777, str(path.readlink()), uid=uid, gid=gid)
        elif path.is_dir():
            yield Entry(name, None, facts.st_mode & 0o1777, uid=uid, gid=gid)
        elif path.is_file():
            yield Entry(name, path, facts.st_mode & 0o777, uid=uid, gid=gid)


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    member = tarfile.TarInfo(entry.name)
    member.mode, member.uid, member.gid = entry.mode & 0o1777, entry.uid, entry.gid
    if entry.link:
        member.type, member.linkname = tarfile.SYMTYPE, entry.link
        tar.addfile(member)
    elif entry.content is None:
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif isinstance(entry.content, bytes):
        member.size = len(entry.content)
        tar.addfile(member, io.BytesIO(entry.content))
    else:
        with entry.content.open("rb") as file:
            member.size = entry.content.stat().st_size
            tar.addfile(member, file)
