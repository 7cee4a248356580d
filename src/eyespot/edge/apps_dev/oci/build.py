"""A service's package and its images, made beside each other; what was there is replaced when all of them are made."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eyespot.contracts.service import MANIFEST_FILE, Manifest, read_manifest
from eyespot.edge.apps_dev.oci.arch import Arch
from eyespot.edge.apps_dev.oci.base import BaseMaker, Say
from eyespot.edge.apps_dev.oci.buildah import Buildah
from eyespot.edge.apps_dev.oci.debian import debian_base
from eyespot.edge.apps_dev.oci.image import archive_name, config_arguments, needs_node
from eyespot.edge.apps_dev.oci.layer import Entry, write_layer
from eyespot.edge.apps_dev.oci.programs import require
from eyespot.edge.apps_dev.oci.sdk import write_sdk
from eyespot.edge.apps_dev.package import Package
from eyespot.edge.apps_dev.package import build as pack
from eyespot.edge.services.engines.contract import APP
from eyespot.edge.services.incoming import incoming_folder, sweep_incoming
from eyespot.edge.services.oci.documents import MAX_MANIFEST_BYTES
from eyespot.edge.services.package_tar import members
from eyespot.kernel.errors import EyespotError, Kind, unavailable


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was made."""

    path: Path
    arch: Arch
    size_bytes: int


def build_images(
    folder: Path, into: Path, arches: Sequence[Arch], cache: Path, say: Say, base: BaseMaker | None = None
) -> tuple[Package, list[Image]]:
    """Pack the service in ``folder`` and make its image for each of ``arches``, all in ``into``, replacing older ones.

    Args:
        cache: the cache folder; bases are kept in it, and the work is done there.
        say: told what is being done.
        base: makes the bases; Debian's where nothing is said.

    Raises:
        EyespotError: as ``package.build``; ``UNAVAILABLE`` when the machine lacks something or a program fails.
            What was in ``into`` is as before.
    """
    if os.geteuid() != 0:
        raise unavailable("Images are made as root (debootstrap and buildah need it).", "Run it as root.")
    require("buildah")
    manifest = read_manifest(folder)
    with _work(cache / "oci" / "work") as work:
        packed = pack(folder, work / "package")
        made = {packed.path: into / packed.path.name}
        for arch in arches:
            make = base or partial(debian_base, cache)
            archive = _image(manifest, packed, arch, make, work, say)
            made[archive] = into / archive.name
        _publish(made)
    images = [
        Image(path, arch, path.stat().st_size)
        for arch, path in ((arch, into / archive_name(manifest, arch)) for arch in arches)
    ]
    return Package(into / packed.path.name, packed.digest, packed.files, packed.size_bytes), images


def service_entries(package: Path) -> Iterator[Entry]:
    """The files of a package in their place; at most ``digest.MAX_BYTES`` altogether."""
    with package.open("rb") as file:
        for member in members(file):
            mode = 0o755 if member.is_executable else 0o644
            yield Entry(f"{APP.lstrip('/')}/{member.name}", b"".join(member.content), mode)


def manifest_text(package: Path) -> str:
    """``service.toml`` of a package, as it is there; raises ``TOO_LARGE`` where hosts would not read it in an image."""
    with package.open("rb") as file:
        text = next(b"".join(member.content) for member in members(file) if member.name == MANIFEST_FILE)
    if len(text) > MAX_MANIFEST_BYTES:
        what = f"{MANIFEST_FILE} has more than {MAX_MANIFEST_BYTES >> 10} KB, which no image can carry."
        raise EyespotError(Kind.TOO_LARGE, what, "Make it shorter.")
    return text.decode()


def _image(manifest: Manifest, packed: Package, arch: Arch, make: BaseMaker, work: Path, say: Say) -> Path:
    name = f"{manifest.service.name}:{manifest.service.version}"
    base = make(arch, needs_node(manifest), work, say)
    say(f"putting the SDK for {arch.name} together")
    sdk, service = work / f"sdk-{arch.name}.tar", work / f"service-{arch.name}.tar"
    write_sdk(arch, base, work, say, sdk)
    write_layer(service_entries(packed.path), service)
    say(f"making the image for {arch.name}")
    archive = work / archive_name(manifest, arch)
    config = config_arguments(manifest, arch, packed.digest, manifest_text(packed.path), base.env)
    Buildah(work / f"buildah-{arch.name}").assemble((base.tar, sdk, service), arch, config, name, archive)
    return archive


@contextlib.contextmanager
def _work(home: Path) -> Iterator[Path]:
    """A folder to work in; what builds that were killed left is removed first."""
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        sweep_incoming(home)
        with incoming_folder(home) as work:
            yield work
    except OSError as error:
        raise EyespotError(
            Kind.UNAVAILABLE,
            f"The image cannot be written: {error}.",
            "Look at the folder's owner, mode and free space.",
        ) from error


def _publish(files: Mapping[Path, Path]) -> None:
    """Copy each file to a part beside its target, then rename all: a full disk is found before anything changes."""
    parts = {target: target.with_name(f".{target.name}.new") for target in files.values()}
    try:
        for source, target in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, parts[target])
        for target, part in parts.items():
            part.replace(target)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
