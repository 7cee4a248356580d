"""Is a launch usable? Looked at before anything is made, the same for every engine."""

from eyespot.edge.services.engines.contract import Launch
from eyespot.kernel.errors import invalid
from eyespot.kernel.ids import is_slug

LOWEST_UID = 65_536
"""Below are the host's own users."""


def check(launch: Launch, *, takes_images: bool = False) -> None:
    """Raises ``INVALID`` that says what is wrong. Folders must be folders, not links that could be turned elsewhere."""
    if launch.image is not None and not takes_images:
        raise invalid(f"{launch.name} is an image, which runs in containers alone.", "Let it run as a container.")
    if not is_slug(launch.name):
        raise invalid(f"'{launch.name[:40]}' is no name of a service.", "Use a-z, 0-9, - and _.")
    if not launch.command and launch.entry is None:
        raise invalid(f"{launch.name}: there is nothing to start.", "Give it a command.")
    if any("\0" in word for word in (*launch.command, *launch.env, *launch.env.values())):
        raise invalid(f"{launch.name}: its command or variables hold a zero byte.")
    for what, folder in (("code", launch.code), ("run", launch.run)):
        if folder.is_symlink() or not folder.is_dir():
            raise invalid(f"{launch.name}: its {what} folder {folder} is not a folder.", "Install it again.")
    if launch.scratch.is_symlink():
        raise invalid(f"{launch.name}: its storage {launch.scratch} is a link.", "Remove the link.")
    if launch.uids.first < LOWEST_UID or launch.uids.host_uid >= launch.uids.first + launch.uids.count:
        raise invalid(f"{launch.name}: users from {launch.uids.first} are not its own.", f"Begin at {LOWEST_UID}.")
