"""Installing and removing: a folder or package becomes a read-only folder of the state folder, and a row in the store.

The row is what counts: a folder that no row names is removed by the next sweep, so a crash at any moment leaves the
service as it was or as it is to be.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eyespot.contracts.service import Host, Manifest, PolicyClass, read_manifest
from eyespot.contracts.service_access import MAX_SERVICES
from eyespot.contracts.settings_schema import check_settings
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.builtin import ORIGIN, is_built_in
from eyespot.edge.services.digest import copy_folder, digest_of, sync_folder
from eyespot.edge.services.engines.chooser import owner_of
from eyespot.edge.services.engines.scratch import discard
from eyespot.edge.services.engines.seccomp import MACHINES
from eyespot.edge.services.granted import PERMISSIONS, Granted, check_granted, check_policy, everything
from eyespot.edge.services.hosting import check_host
from eyespot.edge.services.incoming import incoming_folder, sweep_incoming
from eyespot.edge.services.log_file import remove_logs
from eyespot.edge.services.oci.archive import is_archive
from eyespot.edge.services.oci.intake import take_in
from eyespot.edge.services.oci.kept_images import keep_image, sweep_images
from eyespot.edge.services.oci.pin import PIN_FILE, Incoming, Pin, read_service
from eyespot.edge.services.package_file import unpack
from eyespot.edge.services.sealed_settings import open_settings, seal_settings
from eyespot.edge.services.secret_key import SecretKey
from eyespot.edge.services.store import Row, ServiceStore, folder_of
from eyespot.kernel.errors import EyespotError, Kind, invalid

LEAST_FREE_BYTES = 512 << 20
"""Recording comes first: no service is installed where less would be left."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An installed service whose folder is what it was when it was installed.

    Attributes:
        pin: which image it is; None for one that is a folder or a package.
    """

    row: Row
    manifest: Manifest
    folder: Path
    pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What could be installed.

    Attributes:
        sha256: of the package or archive, hex; empty for a folder.
        image: what it is where it came as an image archive.
    """

    folder: Path
    manifest: Manifest
    sha256: str = ""
    image: Incoming | None = None


class Installed:
    """The services of one state folder. Calls block on the disk.

    Args:
        free_bytes: free space where a folder lies.
    """

    def __init__(
        self,
        layout: StateLayout,
        store: ServiceStore,
        *,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self.store = store
        self._layout = layout
        self._key = SecretKey(layout.services_key)
        self._free_bytes = free_bytes

    @contextmanager
    def opened(self, source: Path) -> Iterator[Candidate]:
        """The service in ``source``, a folder, a package or an image archive, to be looked at and installed meanwhile.

        Raises ``INVALID``, ``TOO_LARGE``, ``EXHAUSTED``, ``UNAVAILABLE``.
        """
        if not source.is_file():
            yield Candidate(source, read_manifest(source))
            return
        image = is_archive(source)
        self.check_room(self._layout.state, source.stat().st_size if image else 0)
        with incoming_folder(self._layout.incoming_dir) as place:
            if image:
                yield _taken_in(source, place)
                return
            sha256 = unpack(source, place / "unpacked")
            yield Candidate(place / "unpacked", read_manifest(place / "unpacked"), sha256)

    def would_grant(self, manifest: Manifest, camera: str = "") -> Granted:
        """What ``install`` grants by itself: all that is asked for, or as much of it as was granted before."""
        return _granted_before(manifest, self._old(manifest), camera)

    def install(
        self,
        source: Path,
        camera: str = "",
        *,
        granted: Granted | None = None,
        settings: dict[str, Any] | None = None,
        forbidden: Iterable[PolicyClass] = (),
        host: Host | None = None,
        enabled: bool = True,
    ) -> Row:
        """Take the service in ``source``, or its new version; the version before stays until this one is healthy.

        Args:
            source: a folder, a package or an image archive.
            camera: stands for ``*`` in its views.
            granted: None: all it asks for, or, for a new version, what was granted before as far as it asks for it.
            settings: None: as before, or defaults; secrets as plain text, or sealed as they are stored.
            host: where it is to run; None: as before, or as its manifest says.
            enabled: whether it shall run.

        Raises ``INVALID``, ``FORBIDDEN``, ``TOO_LARGE``, ``EXHAUSTED``, ``UNAVAILABLE``; nothing was changed then.
        """
        with self.opened(source) as candidate:
            manifest = candidate.manifest
            check_policy(manifest, forbidden)
            old = self._old(manifest)
            if old is None and len(self.store.rows()) >= MAX_SERVICES:
                raise EyespotError(
                    Kind.EXHAUSTED, f"{MAX_SERVICES} services are installed already.", "Remove one first."
                )
            granted = granted or self.would_grant(manifest, camera)
            granted = granted if host is None else granted.model_copy(update={"host": host})
            check_granted(manifest, granted)
            if granted.host is not None:
                check_host(manifest, granted, digest_of(candidate.folder), is_image=candidate.image is not None)
            settings = settings if settings is not None else (old.settings if old else {}) or {}
            settings = self._checked_settings(manifest, settings)
            with self._alone():
                digest = self._take(candidate)
                before = (old.version, old.digest) if old and old.digest != digest else None
                starts = abs(old.starts) + 1 if old else 1
                origin = ORIGIN if is_built_in(manifest.service.name, digest) else ""
                row = Row(
                    manifest.service.name, manifest.service.version, digest, starts if enabled else -starts, granted,
                    settings, before, origin=origin,
                )  # fmt: skip
                self.store.put(row)
        return row

    def configure(self, name: str, settings: dict[str, Any]) -> Row:
        """Set a service's settings, secrets as plain text or sealed as they are stored.

        Raises ``INVALID`` by its schema, ``NOT_FOUND``, ``CONFLICT``, ``UNAVAILABLE`` for a secret that cannot be read.
        """
        checked = self.check(self.store.get(name))
        settings = self._checked_settings(checked.manifest, settings)
        if not self.store.set_settings(name, checked.row.digest, settings):
            raise _changed(name)
        return replace(checked.row, settings=settings)

    def seal_old(self, row: Row) -> bool:
        """Seal the secrets of ``row`` that an earlier version stored as plain text; whether there were any.

        Raises ``CORRUPT`` where its folder cannot tell which they are, ``UNAVAILABLE`` without a key.
        """
        before = row.settings or {}
        settings = seal_settings(self.check(row).manifest.config, before, row.name, self._key)
        return settings != before and self.store.set_settings(row.name, row.digest, settings)

    def grant(self, name: str, granted: Granted) -> Row:
        """Grant a service exactly ``granted``; it is started anew with that. See ``grant_change`` for more and less.

        Raises ``INVALID`` where it goes beyond the manifest, ``NOT_FOUND``, ``CONFLICT``.
        """
        checked = self.check(self.store.get(name))
        check_granted(checked.manifest, granted)
        check_host(checked.manifest, granted, checked.row.digest, is_image=checked.pin is not None)
        if not self.store.set_granted(name, checked.row.digest, granted):
            raise _changed(name)
        return replace(checked.row, granted=granted)

    def enable(self, name: str, *, enabled: bool) -> Row:
        """Let a service run, also once more after it failed, or stop it; raises ``NOT_FOUND``."""
        self.store.get(name)
        self.store.set_enabled(name, enabled=enabled)
        return self.store.get(name)

    def go_back(self, name: str) -> Row:
        """Put the version before in place of the one that is there, and the other way round the next time.

        It keeps what it was granted as far as it asks for it. Raises ``NOT_FOUND``, ``CONFLICT`` where there is none,
        ``CORRUPT`` where it was altered, ``INVALID`` where the settings are not its own.
        """
        old = self.store.get(name)
        if old.way_back is None:
            raise EyespotError(
                Kind.CONFLICT, f"There is no version of {name} to go back to.", "Install the wanted one."
            )
        version, digest = old.way_back
        former = self.check(replace(old, version=version, digest=digest)).manifest
        settings = self._checked_settings(former, old.settings or {})
        row = Row(
            name, version, digest, abs(old.starts) + 1, _granted_before(former, old, ""), settings,
            former=(old.version, old.digest),
        )  # fmt: skip
        self.store.put(row)
        return row

    def remove(self, name: str) -> None:
        """Forget a service and its code; its storage goes with the next sweep. Raises ``NOT_FOUND``.

        Its image is let go too, where no container uses it any more; else the next sweep does that.
        """
        with self._alone():
            self.store.remove(name)
            shutil.rmtree(self._layout.services_dir / name, ignore_errors=True)
            self._sweep_images()

    def check(self, row: Row) -> Checked:
        """``row`` with its folder; raises ``CORRUPT`` when that is gone or altered."""
        folder = self._layout.services_dir / row.folder
        try:
            unaltered = folder.is_dir() and not folder.is_symlink() and digest_of(folder) == row.digest
        except (OSError, EyespotError):
            unaltered = False
        if not unaltered:
            raise EyespotError(
                Kind.CORRUPT, f"The folder of {row.name} {row.version} is gone or was altered.", "Install it again."
            )
        manifest, pin = read_service(folder)
        return Checked(row, manifest, folder, pin)

    def sweep(self) -> list[str]:
        """Remove every folder that no row names; returns their names."""
        sweep_incoming(self._layout.incoming_dir)
        with self._alone():
            kept = self._named()
            folders = {f"{path.parent.name}/{path.name}": path for path in self._layout.services_dir.glob("*/*")}
            gone = sorted(set(folders) - kept)
            for name in gone:
                shutil.rmtree(folders[name], ignore_errors=True)
            for parent in self._layout.services_dir.glob("*"):
                if parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()
            self._sweep_images()
            names = {row.name for row in self.store.rows()}
            for storage in self._layout.scratch_dir.glob("*"):
                if storage.name.partition(".")[0] not in names:
                    discard(storage)
            remove_logs(self._layout.service_logs_dir, names)
            self.store.forget_states()
        return gone

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time, so that no folder is swept away before its row is written."""
        home = self._layout.services_dir
        home.mkdir(mode=0o755, exist_ok=True)
        lock = os.open(home / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _named(self) -> set[str]:
        """Folders of the versions that run, and of those that can be gone back to."""
        rows = self.store.rows()
        back = {folder_of(row.name, *way) for row in rows for way in (row.before, row.former) if way}
        return back | {row.folder for row in rows}

    def _sweep_images(self) -> None:
        """Let go of the images that no version needs."""
        sweep_images(
            self._layout.service_images_dir,
            [self._layout.services_dir / name for name in self._named()],
            owner_of(self._layout.state),
        )

    def _old(self, manifest: Manifest) -> Row | None:
        return next((row for row in self.store.rows() if row.name == manifest.service.name), None)

    def _checked_settings(self, manifest: Manifest, settings: dict[str, Any]) -> dict[str, Any]:
        """As they are stored, once they are known to fit."""
        name = manifest.service.name
        plain = open_settings(settings, name, self._key)
        check_settings(manifest.config, plain)
        return seal_settings(manifest.config, plain, name, self._key)

    def check_room(self, home: Path, more_bytes: int = 0) -> None:
        """Raises ``EXHAUSTED`` where too little would be left for recording on the disk of ``home``.

        Args:
            more_bytes: what is about to be written there.
        """
        if self._free_bytes(home) < LEAST_FREE_BYTES + more_bytes:
            raise EyespotError(
                Kind.EXHAUSTED, f"Less than {LEAST_FREE_BYTES >> 20} MB are free below {home}.", "Make room first."
            )

    def _take(self, candidate: Candidate) -> str:
        """Copy the folder to its place, and before it the image that it is; returns its digest."""
        manifest = candidate.manifest
        home = self._layout.services_dir
        self.check_room(home)
        draft_home = home / f".{secrets.token_hex(6)}"
        draft = draft_home / "new"
        draft_home.mkdir(mode=0o700)
        try:
            copy_folder(candidate.folder, draft)
            if candidate.image is None and (draft / PIN_FILE).exists():
                raise invalid(f"A service that is no image has no {PIN_FILE}.", "Leave that file out.")
            read_service(draft)
            if candidate.image is not None:
                keep_image(candidate.image, self._layout.service_images_dir)
            digest = digest_of(draft)
            place = home / folder_of(manifest.service.name, manifest.service.version, digest)
            place.parent.mkdir(exist_ok=True)
            if place.exists() and digest_of(place) != digest:
                shutil.rmtree(place)
            if not place.exists():
                draft.rename(place)
            for folder in (place.parent, home):
                sync_folder(folder)
            return digest
        finally:
            shutil.rmtree(draft_home, ignore_errors=True)


def _taken_in(source: Path, place: Path) -> Candidate:
    machine = os.uname().machine
    if machine not in MACHINES:
        raise invalid(f"Images are not taken on {machine}.", f"They are on {' and '.join(MACHINES)}.")
    image = take_in(source, place / "unpacked", place / "image.oci.tar", MACHINES[machine][1])
    manifest, _ = read_service(place / "unpacked")
    with source.open("rb") as file:
        return Candidate(place / "unpacked", manifest, hashlib.file_digest(file, "sha256").hexdigest(), image)


def _changed(name: str) -> EyespotError:
    return EyespotError(Kind.CONFLICT, f"{name} was changed meanwhile.", "Look at it and try again.")


def _granted_before(manifest: Manifest, old: Row | None, camera: str) -> Granted:
    """A new version gets nothing that its owner has not granted."""
    if old is None:
        return everything(manifest, camera)
    asked = everything(manifest, camera or old.granted.camera)
    both = {key: tuple(one for one in getattr(asked, key) if one in getattr(old.granted, key)) for key in PERMISSIONS}
    # Nothing is stricter than a container: what was chosen for a version that was made for less is no choice any more.
    host = None if manifest.service.host == "container" else old.granted.host
    return Granted(camera=asked.camera, host=host, **both)
