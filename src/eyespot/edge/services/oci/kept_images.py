"""The archives of images that services are: kept while a version needs them, and podman's copies let go with them."""

import logging
from collections.abc import Iterable
from pathlib import Path

from eyespot.edge.services.digest import sync_folder
from eyespot.edge.services.engines.service_images import let_go
from eyespot.edge.services.oci.archive import SUFFIX
from eyespot.edge.services.oci.pin import Incoming, read_service
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)


def keep_image(image: Incoming, images_dir: Path) -> None:
    """Put the archive of ``image``, which is written and synced, where it is kept."""
    images_dir.mkdir(mode=0o700, exist_ok=True)
    image.archive.rename(images_dir / image.pin.archive_name)
    sync_folder(images_dir)
    sync_folder(images_dir.parent)


def sweep_images(images_dir: Path, folders: Iterable[Path], owner: str) -> None:
    """Remove every archive that no service in ``folders`` needs, and its image from podman's storage before it.

    An archive whose image a container still uses stays, so that the next sweep finds it. All stay where the disk does
    not tell which are needed. podman is asked only where an archive is to go.

    Args:
        owner: whose images they are in podman's storage.
    """
    archives = list(images_dir.glob(f"*{SUFFIX}"))
    if not archives:
        return
    try:
        wanted = {name for folder in folders for name in _archive_name(folder)}
    except OSError as error:
        log.warning("images of services are not swept: %s", error)
        return
    unwanted = [archive for archive in archives if archive.name not in wanted]
    still = {_config(name) for name in wanted}
    gone = let_go({_config(archive.name) for archive in unwanted} - still, owner)
    for archive in unwanted:
        if _config(archive.name) in gone | still:
            archive.unlink(missing_ok=True)


def _archive_name(folder: Path) -> Iterable[str]:
    """Of the service in ``folder``; nothing where it is no image, or is altered or gone (then it cannot run either).

    Raises ``OSError`` where that cannot be told now.
    """
    try:
        _, pin = read_service(folder)
    except EyespotError:
        return
    if pin is not None:
        yield pin.archive_name


def _config(archive_name: str) -> str:
    return f"sha256:{archive_name.partition('-')[0]}"
