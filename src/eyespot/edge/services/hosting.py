"""Where a service runs: as its owner chose, else as it was made for; inside of the platform only what came with it."""

from eyespot.contracts.service import Host, Manifest
from eyespot.edge.services.builtin import PACKAGE, is_built_in
from eyespot.edge.services.engines.contract import Entry, InlineContext
from eyespot.edge.services.granted import Granted
from eyespot.kernel.errors import invalid

STRICTNESS: tuple[Host, ...] = ("inline", "process", "container")


def check_host(manifest: Manifest, granted: Granted, digest: str, *, is_image: bool = False) -> None:
    """Raises ``INVALID`` where the owner may not let the code with ``digest`` run as chosen."""
    host, made_for = granted.host, manifest.service.host
    if is_image and host not in (None, "container"):
        raise invalid(
            f"{manifest.service.name} is an image, which runs in containers alone; '{host}' cannot run it.",
            "Leave the host out.",
        )
    if host is None or is_built_in(manifest.service.name, digest):
        return
    if host == "inline":
        raise invalid(f"{manifest.service.name} is not built-in.", "Let it run as a process or a container.")
    if STRICTNESS.index(host) < STRICTNESS.index(made_for):
        raise invalid(f"{manifest.service.name} is made for host '{made_for}'; '{host}' confines it less.")


def host_of(manifest: Manifest, granted: Granted, digest: str) -> Host:
    """Where the code with ``digest`` runs now. What may not run inline, or is not chosen to, runs as a process.

    What is made for containers (every image is) runs as one, also where another was chosen for a version before.
    """
    host = granted.host or manifest.service.host
    if manifest.service.host == "container" != host and not is_built_in(manifest.service.name, digest):
        return "container"
    is_inside = granted.host == "inline" and is_built_in(manifest.service.name, digest)
    return "process" if host == "inline" and not is_inside else host


def entry_of(manifest: Manifest) -> Entry:
    """A built-in service as a function for the inline engine.

    It is imported from where it came with the platform, not from its installed copy: both are the same, byte for byte.
    """
    target = f"{PACKAGE}.{manifest.service.name}.{manifest.service.python}"

    def run(context: InlineContext) -> int:
        from eyespot.sdk.inside import run_inside  # only the processes that need it load it

        return run_inside(target, context.code, context.run, context.scratch, context.stop, context.log)

    return run
