"""The doors of a running inference process in the test's own process, on free ports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.infer_door import Doors, DoorSettings
from eyespot.edge.infer_guests import Guests
from eyespot.edge.infer_journal import Journal
from eyespot.edge.infer_models import Models
from eyespot.infer.share.accelerator import SharedAccelerator
from eyespot.kernel.clock import SystemClock


@dataclass
class Rig:
    """Addresses, and the token that opens them."""

    rest: str
    grpc: str
    token: str
    guests: Guests
    shared: SharedAccelerator

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@asynccontextmanager
async def doors(models: Path, run_dir: Path, *, rest: bool = True, grpc: bool = True) -> AsyncIterator[Rig]:
    """Open doors over ``models``."""
    clock = SystemClock()
    shared = SharedAccelerator(clock)
    settings = DoorSettings(0 if rest else None, 0 if grpc else None)
    guests = Guests(Models(models, Journal(run_dir, clock)), shared, clock, share=settings.share)
    both = Doors(guests, settings, run_dir)
    await both.open()
    token = (run_dir / "infer-token").read_text().strip().partition(":")[2]
    try:
        rest_address, grpc_address = (f"127.0.0.1:{port}" for port in (both.rest_port, both.grpc_port))
        yield Rig(rest_address, grpc_address, token, guests, shared)
    finally:
        await both.close()
        guests.close()
        await asyncio.to_thread(shared.close)
