"""Check what a Debian package of Eyespot holds: nothing outside its own folders, nothing of another architecture.

``deb_check.py FILE…`` prints each finding and ends with status 1 when there is one.
"""

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

FOLDERS = ("opt/eyespot/", "usr/share/eyespot/", "usr/share/doc/eyespot/", "usr/share/doc/eyespot-model-")
FILES = {"usr/bin/eyespot", "lib/systemd/system/eyespot.service", "usr/lib/sysusers.d/eyespot.conf"}
MACHINES = {"amd64": 62, "arm64": 183}
"""Architecture: ``e_machine`` of its ELF files (ELF specification and its AArch64 supplement)."""


def findings(package: Path) -> list[str]:
    """What is wrong with ``package``; empty when nothing is."""
    fields = ["dpkg-deb", "--field", str(package), "Architecture"]
    arch = subprocess.run(fields, capture_output=True, text=True, check=True).stdout.strip()
    reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE)
    assert reader.stdout is not None
    with reader, tarfile.open(fileobj=reader.stdout, mode="r|") as archive:
        return [text for entry in archive for text in _entry(archive, entry, arch)]


def _entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, arch: str) -> Iterator[str]:
    name = entry.name.removeprefix("./")
    if entry.isdir():
        if name not in ("", ".") and not _is_on_the_way(name + "/"):
            yield f"{name}: a folder outside the package's own"
    elif not (name.startswith(FOLDERS) or name in FILES):
        yield f"{name}: a file outside the package's own folders"
    if (entry.uid, entry.gid) != (0, 0):
        yield f"{name}: belongs to {entry.uid}:{entry.gid}, not to root"
    if not entry.issym() and entry.mode & 0o7022:
        yield f"{name}: mode {entry.mode:o}"
    if entry.issym():
        yield from _link(name, entry.linkname)
    elif entry.isfile():
        content = archive.extractfile(entry)
        if content is not None:
            yield from _content(name, content, arch)
    elif not entry.isdir():
        yield f"{name}: neither a file nor a folder nor a link"


def _is_on_the_way(folder: str) -> bool:
    return folder.startswith(FOLDERS) or any(path.startswith(folder) for path in (*FOLDERS, *FILES))


def _link(name: str, target: str) -> Iterator[str]:
    if target.startswith("/") and not target.startswith(("/opt/eyespot/", "/usr/bin/python3.")):
        yield f"{name}: links to {target}"
    elif ".." in target.split("/"):
        yield f"{name}: links upwards, to {target}"


def _content(name: str, content: IO[bytes], arch: str) -> Iterator[str]:
    """Machine code must be the package's; a package for every machine holds none."""
    head = content.read(20)
    if head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") != MACHINES.get(arch):
        yield f"{name}: machine code of another architecture than {arch}"


def main() -> None:
    wrong = [f"{path}: {text}" for path in sys.argv[1:] for text in findings(Path(path))]
    print("\n".join(wrong[:50]), file=sys.stderr, end="\n" if wrong else "")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
