"""Image archives that anybody may have made: what is taken is pinned, everything else is refused with a reason."""

import hashlib
import io
import itertools
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_archives import OCI, SERVICE, Made, archive, odd, sha, tar_of

from eyespot.edge.services.oci import archive as archives
from eyespot.edge.services.oci import layers
from eyespot.edge.services.oci.archive import is_archive
from eyespot.edge.services.oci.intake import take_in
from eyespot.edge.services.oci.pin import Incoming, read_service
from eyespot.edge.services.oci.tar_headers import headers
from eyespot.kernel.errors import EyespotError, Kind

FILE = tar_of({"counter": b"a program"})
Take = Callable[..., Incoming]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Takes an archive in, each in a folder of its own."""
    numbers = itertools.count()

    def take_one(data: bytes, arch: str = "amd64") -> Incoming:
        place = tmp_path / str(next(numbers))
        place.mkdir()
        (place / "sent").write_bytes(data)
        return take_in(place / "sent", place / "folder", place / "kept", arch)

    return take_one


@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_taken_is_the_manifest_of_its_label_and_pinned(take: Take, *, compressed: bool) -> None:
    link, folder = odd("a", tarfile.SYMTYPE, linkname="/etc"), odd("etc/", tarfile.DIRTYPE)
    upper = tar_of({"counter": b"a newer program", "x" * 300: b""}, link, folder, format_=tarfile.GNU_FORMAT)
    image = take(archive(FILE, upper, compressed=compressed))
    assert image.pin.layers == (sha(FILE), sha(upper))
    assert (image.archive.with_name("folder") / "service.toml").read_text() == SERVICE
    manifest, pin = read_service(image.archive.with_name("folder"))
    assert pin == image.pin
    assert (manifest.service.command, manifest.service.host) == (("/counter",), "container")
    assert hashlib.sha256(image.archive.read_bytes()).hexdigest() == image.pin.archive
    assert image.pin.archive_name.startswith(image.pin.config.removeprefix("sha256:"))


def test_what_is_kept_has_the_same_id_and_no_annotation(take: Take) -> None:
    data = archive(FILE, FILE, compressed=True)
    image = take(data)
    again = take(image.archive.read_bytes())
    assert (again.pin.config, again.pin.layers) == (image.pin.config, image.pin.layers)
    assert again.archive.read_bytes() == image.archive.read_bytes(), "the same image, the same bytes"
    assert b"run.oci.handler" in data
    assert b"run.oci.handler" not in image.archive.read_bytes()


def test_the_image_for_this_machine_is_taken_of_several(take: Take) -> None:
    made = Made()
    both = {arch: made.image(arch=arch, platform=True) for arch in ("amd64", "arm64")}
    attested = {**both["amd64"], "platform": {"architecture": "unknown", "os": "unknown"}}
    nested = made.document({"schemaVersion": 2, "manifests": [*both.values(), attested]}, "index")
    for data in (made.archive(*both.values()), made.archive(nested)):
        for arch, descriptor in both.items():
            assert take(data, arch).pin.manifest == descriptor["digest"]
        with pytest.raises(EyespotError, match=r"no image for linux/riscv64; it has: linux/amd64, linux/arm64\."):
            take(data, "riscv64")


def two() -> bytes:
    made = Made()
    return made.archive(made.image(), made.image(FILE, FILE))


def swapped(old: bytes, new: bytes) -> bytes:
    """A whole archive with other bytes in one of its blobs."""
    data = archive()
    assert data.count(old) == 1
    return data.replace(old, new)


def unsaid_layer() -> bytes:
    """The blob is what its digest says, and not what the configuration says."""
    return archive(FILE, config={"rootfs": {"type": "layers", "diff_ids": [sha(b"")]}})


def with_index(index: bytes) -> bytes:
    made = Made()
    made.image()
    return made.archive(index=index)


def absent() -> bytes:
    made = Made()
    image = made.image()
    del made.blobs[sha(FILE)]
    return made.archive(image)


def layer(kind: bytes, **more: object) -> bytes:
    return archive(tar_of({}, odd("x", kind, **more)))


def pax(**headers: str) -> bytes:
    return archive(
        tar_of({}, odd("x", tarfile.REGTYPE, pax_headers={k.replace("_", "."): v for k, v in headers.items()}))
    )


def patched(at: int, field: bytes) -> bytes:
    """A layer whose first header has another field, and the checksum that fits it."""
    header = bytearray(FILE[:512])
    header[at : at + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return archive(bytes(header) + FILE[512:])


def other_media(media_type: str) -> bytes:
    made = Made()
    image = made.image()
    return made.archive({**image, "mediaType": media_type})


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "no label": (lambda: archive(label=None), "no label org.eyespot.service.manifest"),
    "long label": (lambda: archive(label="#" * (65 << 10)), "is too long"),
    "two": (two, "2 images for linux/amd64"),
    "another system": (lambda: archive(config={"os": "windows"}), "it has: windows/amd64"),
    "another layer": (lambda: swapped(b"a program", b"a progrAm"), "is not what it says"),
    "another label": (lambda: swapped(b'title = \\"Counter', b'title = \\"COUNTER'), "is not what it says"),
    "layers said otherwise": (unsaid_layer, "not what its configuration says"),
    "more layers said": (
        lambda: archive(FILE, config={"rootfs": {"type": "layers", "diff_ids": [sha(FILE)] * 2}}), "contradicts itself"
    ),
    "no layer": (lambda: archive(manifest={"layers": []}), "manifest of the image is not valid at layers"),
    "many layers": (lambda: archive(*[FILE] * 65), "not valid at layers"),
    "absent layer": (absent, "is not in the image archive"),
    "no layout": (lambda: Made().archive(without=("oci-layout",)), "no oci-layout"),
    "no image": (lambda: Made().archive(), "it has: none"),
    "index that is none": (lambda: with_index(b"[]"), "index of the image is not valid"),
    "deep index": (lambda: with_index(b'{"schemaVersion": 2, "manifests": ' + b"[" * 9999), "index of the image"),
    "large index": (lambda: with_index(b" " * (1 << 20) + b"{}"), "larger than 1 MB"),
    "many images": (
        lambda: (made := Made()).archive(*[made.image()] * 65), "index of the image is not valid at manifests"
    ),
    "digest as path": (
        lambda: with_index(
            b'{"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", '
            b'"digest": "sha256:../../oci-layout", "size": 31}]}'
        ),
        "not valid at manifests.0.digest",
    ),
    "Docker's": (lambda: other_media("application/vnd.docker.distribution.manifest.v2+json"), "Docker's own format"),
    "zstd": (
        lambda: (made := Made()).archive(made.image(manifest={"layers": [made.blob(b"x", OCI + "layer.v1.tar+zstd")]})),
        r"layer\.v1\.tar\+zstd', which is not taken",
    ),
    "no gzip": (
        lambda: (made := Made()).archive(made.image(manifest={"layers": [made.blob(FILE, OCI + "layer.v1.tar+gzip")]})),
        "cannot be unpacked",
    ),
    "cut off": (lambda: archive()[:-12_000], "in the middle|no oci-layout"),
    "up": (lambda: archive(tar_of({"../x": b""})), "leads out of it"),
    "up within": (lambda: archive(tar_of({"a/../../x": b""})), "leads out of it"),
    "absolute": (lambda: archive(tar_of({"/etc/x": b""})), "leads out of it"),
    "device": (lambda: layer(tarfile.BLKTYPE, devmajor=8), "is a device, a pipe"),
    "character device": (lambda: layer(tarfile.CHRTYPE, devmajor=1), "is a device, a pipe"),
    "pipe": (lambda: layer(tarfile.FIFOTYPE), "is a device, a pipe"),
    "sparse": (lambda: layer(tarfile.GNUTYPE_SPARSE), "is a device, a pipe or of an unknown kind"),
    "sparse in pax": (lambda: pax(GNU_sparse_size="9"), "sparse, or its size is said twice"),
    "size in pax": (lambda: pax(size="9"), "sparse, or its size is said twice"),
    "two names": (
        # a long name of GNU's (header and one block), and behind it a file whose name pax says
        lambda: archive(tar_of({"../" * 40: b""}, format_=tarfile.GNU_FORMAT)[:1024] + tar_of({"y" * 300: b""})),
        "two names",
    ),
    "many headers": (lambda: archive(tar_of({}, odd("x", b"K")) [:512] * 4 + FILE), "too many headers"),
    "long header": (lambda: pax(comment="y" * (65 << 10)), "a header of it is too long"),
    "file with the name of a folder": (lambda: archive(tar_of({"x/": b""})), "name of a folder"),
    "size in base 256": (lambda: patched(124, b"\x80" + bytes(10) + b"\x09"), "number in its headers does not parse"),
    "larger than the layer": (lambda: patched(124, b"77777777777\0"), "ends in the middle"),
    "old format": (lambda: patched(257, bytes(8)), "a header of it is none"),
    "more behind": (lambda: archive(FILE + FILE), "behind its end"),
    "no tar": (lambda: archive(b"#!/bin/sh\n" * 100), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_with_a_reason(take: Take, name: str) -> None:
    make, said = HOSTILE[name]
    with pytest.raises(EyespotError, match=said) as raised:
        take(make())
    assert raised.value.kind in (Kind.INVALID, Kind.TOO_LARGE)


def test_what_an_image_unpacks_to_is_bounded(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive(tar_of({"zeros": bytes(4 << 20)}), compressed=True)
    assert len(bomb) < 1 << 16
    assert take(bomb).pin.layers
    monkeypatch.setattr(layers, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(EyespotError, match="unpacks to more than 1 MB"):
        take(bomb)


def test_layers_files_members_and_bytes_are_bounded(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    many = archive(tar_of({str(number): b"" for number in range(9)}), tar_of({"more": b""}))
    monkeypatch.setattr(layers, "MAX_ENTRIES", 9)
    with pytest.raises(EyespotError, match="more than 9 files"):
        take(many)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 4)
    with pytest.raises(EyespotError, match="more than 4 members"):
        take(many)
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 1 << 12)
    with pytest.raises(EyespotError, match="is larger than 0 MB"):
        take(many)


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_damaged_byte_of_a_tar_is_refused_or_is_content(at: int, change: int) -> None:
    damaged = bytearray(FILE)
    damaged[at] ^= change
    file = io.BytesIO(bytes(damaged))
    try:
        found = list(headers(file, lambda more: file.seek(more, 1)))  # type: ignore[arg-type, return-value]
    except EyespotError:
        return
    assert [(one.name, one.size_bytes) for one in found] in ([("counter", 9)], [])


def test_archives_are_told_from_packages(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for data, expected in (
        (archive(), True),
        (tar_of({}, odd("blobs/", tarfile.DIRTYPE)), True),
        (tar_of({"service.toml": b"x", "index.json": b"{}", "blobs.py": b""}), False),
        (tar_of({"a" * 64 + ".json": b"{}", "manifest.json": b"[]"}), True),
        (b"", False),
        (b"PK", False),
    ):
        file.write_bytes(data)
        assert is_archive(file) is expected
    assert not is_archive(tmp_path)
