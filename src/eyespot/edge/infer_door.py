"""Opens and closes the inference process's doors for guests: Open Inference Protocol by REST and gRPC, on loopback."""

import asyncio
import logging
import socket
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.infer_doorkeeper import Doorkeeper
from eyespot.edge.infer_guests import Guests
from eyespot.kernel.errors import unavailable

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
TOKEN_FILE = "infer-token"


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """TCP ports on loopback; None: closed, 0: any free one. ``share``: of the accelerator, for all guests together."""

    rest_port: int | None = None
    grpc_port: int | None = None
    share: float = 0.25

    @property
    def wanted(self) -> bool:
        """Whether any door is to be open."""
        return self.rest_port is not None or self.grpc_port is not None


class Doors:
    """Both doors to the same guests. ``rest_port`` and ``grpc_port`` are known after ``open``."""

    def __init__(self, guests: Guests, settings: DoorSettings, run_dir: Path) -> None:
        self._guests = guests
        self._settings = settings
        self._doorkeeper = Doorkeeper(run_dir / TOKEN_FILE)
        self._closing: list[asyncio.Task[None]] = []
        self._ends = asyncio.Event()
        self.rest_port = self.grpc_port = 0

    async def open(self) -> None:
        """Listen; raises ``UNAVAILABLE`` when a port is taken or a library is missing."""
        try:
            if self._settings.rest_port is not None:
                self._closing.append(await self._open_rest(self._settings.rest_port))
            if self._settings.grpc_port is not None:
                self._closing.append(await self._open_grpc(self._settings.grpc_port))
        except ImportError as error:
            raise unavailable(f"{error.name} is not installed.", "Install eyespot[edge,guests].") from error
        log.info("open inference protocol on %s: REST %s, gRPC %s", LOOPBACK, self.rest_port, self.grpc_port)

    async def close(self) -> None:
        """Let what runs finish for a moment."""
        self._ends.set()
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _open_rest(self, port: int) -> asyncio.Task[None]:
        from eyespot.edge.infer_rest import rest_server

        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((LOOPBACK, port))
        except OSError as error:
            listener.close()
            raise unavailable(f"Port {port} for REST is taken.", "Choose another rest_port.") from error
        self.rest_port = int(listener.getsockname()[1])
        server = rest_server(self._guests, self._doorkeeper)
        serving = asyncio.create_task(server.serve(sockets=[listener]))

        async def end() -> None:
            await self._ends.wait()
            server.ends.set()
            await serving
            listener.close()

        await server.ready.wait()
        return asyncio.create_task(end())

    async def _open_grpc(self, port: int) -> asyncio.Task[None]:
        from eyespot.edge.infer_grpc import GrpcDoor

        door = GrpcDoor(self._guests, self._doorkeeper, f"{LOOPBACK}:{port}")
        await door.start()
        self.grpc_port = door.port

        async def end() -> None:
            await self._ends.wait()
            await door.stop()

        return asyncio.create_task(end())
