"""Entry point of a service in Python: ``python -m eyespot.sdk.run module:Class``, in the folder of its manifest."""

import asyncio
import importlib
import logging
import signal
import sys
from pathlib import Path

from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, invalid
from eyespot.sdk.place import Place, find_place
from eyespot.sdk.service import Service

BUS_S = 30.0
"""How long the bus may take to be there at the start."""


def load(target: str, code: Path) -> type[Service]:
    """The class that ``module:Class`` names, looked for in ``code`` first; raises ``INVALID``."""
    module_name, _, class_name = target.partition(":")
    if str(code) not in sys.path:
        sys.path.insert(0, str(code))
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
    except ModuleNotFoundError as error:
        if error.name != module_name:  # the module is there, and needs what is not
            raise invalid(f"{module_name} imports {error.name}, which is not here.", "Put it beside it.") from error
        raise invalid(f"There is no module {module_name} in {code}.", 'Look at "python" in service.toml.') from error
    return check_class(found, target)


def check_class(found: object, target: str) -> type[Service]:
    """``found``, which ``target`` names, where it is a service; raises ``INVALID``."""
    if not (isinstance(found, type) and issubclass(found, Service)):
        raise invalid(f"{target} is no subclass of eyespot.sdk.Service.", 'Look at "python" in service.toml.')
    return found


async def serve(service: Service, place: Place, stop: asyncio.Event) -> None:
    """Join the bus and run ``service`` until ``stop``; raises ``UNAVAILABLE`` when there is no bus."""
    from eyespot.bus.discovery import About
    from eyespot.bus.nats import join
    from eyespot.sdk.runtime import Runtime

    start, clock = place.start, SystemClock()
    about = About(start.name, start.version, start.instance, place.manifest.service.summary)
    bus = await join(place.run / "bus.sock", about, wait_s=BUS_S, clock=clock)
    try:
        await Runtime(service, place, bus, clock).run(stop)
    finally:
        await bus.close()


async def _until_signal(service: Service, place: Place) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(service, place, stop)


def main(arguments: list[str]) -> int:
    """Run what the one argument names; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if len(arguments) != 1:
        print("usage: python -m eyespot.sdk.run module:Class", file=sys.stderr)
        return 2
    try:
        code = Path.cwd()
        place = find_place(code)
        asyncio.run(_until_signal(load(arguments[0], code)(), place))
    except EyespotError as error:
        print(f"eyespot: {error}", file=sys.stderr)
        return error.kind.value.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
