"""Secrets of services that an earlier version stored as plain text are sealed when the services process starts."""

import logging

from eyespot.edge.services.installed import Installed
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)


def seal_old(installed: Installed) -> None:
    """Seal what is not sealed yet, and leave nothing of it in the store's file. Blocks on the disk.

    A service whose folder is gone or altered keeps what is stored of it: nothing says which of it is secret.
    """
    sealed = []
    for row in installed.store.rows():
        try:
            if installed.seal_old(row):
                sealed.append(row.name)
        except EyespotError as error:
            log.warning("secrets of %s are not sealed: %s", row.name, error)
    if sealed:
        installed.store.scrub()
        log.info("secrets in the settings of %s are sealed now", ", ".join(sealed))
