"""Built-in services follow the platform: a new version of it brings new versions of them, with their old grants."""

import logging

from eyespot.edge.services.builtin import ORIGIN, built_in
from eyespot.edge.services.digest import digest_of
from eyespot.edge.services.installed import Installed
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)


def renew(installed: Installed) -> None:
    """Give every installed built-in service the code that came with this platform; nothing new is granted to it.

    One that cannot be renewed goes on as it is, and the log says why. Blocks on the disk.
    """
    known = built_in()
    for row in installed.store.rows():
        folder = known.get(row.name)
        if row.origin != ORIGIN or folder is None:
            continue
        try:
            if digest_of(folder) != row.digest:
                renewed = installed.install(folder, enabled=row.enabled)
                log.info("%s %s is now %s", row.name, row.version, renewed.version)
        except EyespotError as error:
            log.warning("%s %s stays: %s", row.name, row.version, error)
