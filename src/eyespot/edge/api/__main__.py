"""Entry of the API process: ``python -m eyespot.edge.api --config FILE --state DIR``."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

import uvloop

from eyespot.bus import nats
from eyespot.edge.api.process import ApiProcess
from eyespot.edge.api.server import stop_on_signals
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError
from eyespot.kernel.log import setup_logging

log = logging.getLogger(__name__)


async def _run(config: Path, state: Path) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    bus = await nats.connect(state / "run", "api")
    try:
        await ApiProcess(config, state, bus, SystemClock()).run(stop)
    finally:
        await bus.close()


def main() -> int:
    """Run the process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m eyespot.edge.api", description="Serves the web app and the API.")
    parser.add_argument("--config", type=Path, required=True, help="the host's config file")
    parser.add_argument("--state", type=Path, required=True, help="the host's state folder")
    parser.add_argument("--verbose", action="store_true", help="log more")
    args = parser.parse_args()
    setup_logging("api", verbose=args.verbose)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(args.config, args.state))
    except EyespotError as error:
        log.error("%s", error)
        return error.kind.value.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
