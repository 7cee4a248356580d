"""Packages that were sent and wait for their owner's consent: on disk, few at a time, gone after a while.

Nothing of a package runs and nothing of it is installed before that; it is read with suspicion (``package_tar``).
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from eyespot.contracts.service import Manifest, read_manifest
from eyespot.edge.api.services_now import ServicesNow
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.digest import digest_of
from eyespot.edge.services.incoming import incoming_folder
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.package_file import MAX_PACKAGE_BYTES, SUFFIX
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import EyespotError, Kind, not_found, unavailable

MAX_WAITING = 4
KEPT_S = 900.0


@dataclass(frozen=True, slots=True)
class Upload:
    """One package, or the folder of a service that came with the camera.

    Attributes:
        sha256: of the package or, by ``digest_of``, of the folder; hex.
        until_ns: monotonic time at which it goes.
        until_wall_ns: the same by the wall clock, to be told.
    """

    id: str
    path: Path
    manifest: Manifest
    sha256: str
    until_ns: int
    until_wall_ns: int
    held: ExitStack


class ServiceUploads:
    """The packages that wait."""

    def __init__(self, services: ServicesNow, layout: StateLayout, clock: Clock) -> None:
        self._services = services
        self._layout = layout
        self._clock = clock
        self._waiting: dict[str, Upload] = {}
        self._taking = asyncio.Lock()

    async def take(self, pieces: AsyncIterator[bytes]) -> Upload:
        """Keep the package that comes in ``pieces`` and read it.

        Raises ``INVALID``, ``TOO_LARGE``, ``EXHAUSTED``, ``UNAVAILABLE``, ``THROTTLED`` while another is being taken.
        """
        if self._taking.locked():
            raise EyespotError(Kind.THROTTLED, "Another package is being sent already.", "Wait until it is here.")
        async with self._taking:
            await self._make_room()
            held = ExitStack()
            try:
                upload = await self._keep(pieces, held)
            except BaseException:  # whatever went wrong, nothing of it is kept
                await asyncio.to_thread(held.close)
                raise
            self._waiting[upload.id] = upload
            return upload

    async def offer(self, folder: Path) -> Upload:
        """Let the service in ``folder``, which stays where it is, wait too; raises ``EXHAUSTED``."""
        await self._make_room()
        manifest = await asyncio.to_thread(read_manifest, folder)
        upload = self._upload(folder, manifest, await asyncio.to_thread(digest_of, folder), ExitStack())
        self._waiting[upload.id] = upload
        return upload

    def get(self, upload: str) -> Upload:
        """One that waits; raises ``NOT_FOUND``."""
        found = self._waiting.get(upload)
        if found is None or found.until_ns <= self._clock.monotonic_ns():
            raise not_found("That package does not wait here any more.", "Send it again.")
        return found

    async def drop(self, upload: str) -> None:
        """It was installed, or is not wanted; raises ``NOT_FOUND``."""
        found = self._waiting.pop(upload, None) or self.get(upload)
        await asyncio.to_thread(found.held.close)

    async def sweep(self) -> None:
        """Let go of those whose time is over."""
        now_ns = self._clock.monotonic_ns()
        for upload in [one for one in self._waiting.values() if one.until_ns <= now_ns]:
            await asyncio.to_thread(self._waiting.pop(upload.id).held.close)

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await self._clock.sleep(KEPT_S / 10)
            await self.sweep()

    def close(self) -> None:
        """Let go of all."""
        for upload in self._waiting.values():
            upload.held.close()
        self._waiting.clear()

    async def _keep(self, pieces: AsyncIterator[bytes], held: ExitStack) -> Upload:
        try:
            folder = await self._services.run(lambda installed: self._folder(installed, held))
            path = folder / f"package{SUFFIX}"
            with path.open("xb") as file:
                sha256 = hashlib.sha256()
                size = 0
                async for piece in pieces:
                    size += len(piece)
                    if size > MAX_PACKAGE_BYTES:
                        raise EyespotError(
                            Kind.TOO_LARGE, f"What is sent has at most {MAX_PACKAGE_BYTES} bytes.",
                            "Install a larger image on the host itself: eyespot services install FILE.oci.tar.",
                        )  # fmt: skip
                    sha256.update(piece)
                    await asyncio.to_thread(file.write, piece)
        except OSError as error:
            raise unavailable(f"The package cannot be kept: {error.strerror}.", "Look at the free space.") from error
        manifest = await self._services.run(lambda installed: _read(installed, path))
        return self._upload(path, manifest, sha256.hexdigest(), held)

    def _upload(self, path: Path, manifest: Manifest, sha256: str, held: ExitStack) -> Upload:
        kept_ns = from_seconds(KEPT_S)
        return Upload(
            secrets.token_hex(12), path, manifest, sha256, self._clock.monotonic_ns() + kept_ns,
            self._clock.wall_ns() + kept_ns, held,
        )  # fmt: skip

    async def _make_room(self) -> None:
        await self.sweep()
        if len(self._waiting) >= MAX_WAITING:
            raise EyespotError(
                Kind.EXHAUSTED, f"{MAX_WAITING} packages wait for a decision.", "Install or discard one of them."
            )

    def _folder(self, installed: Installed, held: ExitStack) -> Path:
        installed.check_room(self._layout.state)
        return held.enter_context(incoming_folder(self._layout.incoming_dir))


def _read(installed: Installed, path: Path) -> Manifest:
    with installed.opened(path) as candidate:
        return candidate.manifest
