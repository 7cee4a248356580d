"""The Open Inference Protocol v2 over REST, as a small ASGI application.

Owns paths, status codes and the bounds of what is read. Who is asking comes from ``Doorkeeper``; only the two health
paths need no token. Specification: KServe "Open Inference Protocol" v2, with Triton's repository and system shared
memory extensions.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eyespot.edge.infer_doorkeeper import Doorkeeper
from eyespot.edge.infer_guests import Guests
from eyespot.edge.infer_request import VERSION
from eyespot.edge.infer_rest_wire import HEAD_LENGTH, MAX_BODY_BYTES, metadata, read_request, write_answer
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

log = logging.getLogger(__name__)

READ_S = 20.0
MAX_SMALL_BYTES = 1 << 14
MAX_AT_ONCE = 8
MAX_CONNECTIONS = 64
KEEP_ALIVE_S = 30
Answer = Callable[[Request, str], Awaitable[Response]]


def rest_app(guests: Guests, doorkeeper: Doorkeeper) -> Starlette:
    """The application."""
    door = _Rest(guests)

    def guarded(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                guest = doorkeeper.guest(request.headers.get("authorization", ""))
                return await answer(request, guest)
            except EyespotError as error:
                return _refusal(error)
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:  # a defect here is the guest's error message, not the process's end
                log.exception("a guest's request failed")
                return _refusal(EyespotError(Kind.INTERNAL, f"The request failed: {type(error).__name__}."))

        return endpoint

    async def healthy(_: Request) -> Response:
        return Response()

    model = "/v2/models/{model}"
    version = f"{model}/versions/{{version}}"
    region = "/v2/systemsharedmemory"
    paths: list[tuple[str, str, Answer]] = [
        ("GET", "/v2", door.server),
        *(("GET", f"{base}/ready", door.ready) for base in (model, version)),
        *(("GET", base, door.metadata) for base in (model, version)),
        *(("POST", f"{base}/infer", door.infer) for base in (model, version)),
        ("POST", "/v2/repository/index", door.index),
        ("POST", "/v2/repository/models/{model}/load", door.load),
        ("POST", "/v2/repository/models/{model}/unload", door.unload),
        ("GET", f"{region}/status", door.regions),
        ("GET", f"{region}/region/{{region}}/status", door.regions),
        ("POST", f"{region}/region/{{region}}/register", door.register),
        ("POST", f"{region}/region/{{region}}/unregister", door.unregister),
        ("POST", f"{region}/unregister", door.unregister),
    ]
    open_paths = [Route(f"/v2/health/{word}", healthy) for word in ("live", "ready")]
    return Starlette(
        routes=[*open_paths, *(Route(path, guarded(answer), methods=[method]) for method, path, answer in paths)]
    )


def rest_server(guests: Guests, doorkeeper: Doorkeeper) -> "RestServer":
    """A server of the application; it is run by ``serve(sockets=[...])``."""
    config = uvicorn.Config(
        rest_app(guests, doorkeeper), log_config=None, access_log=False, lifespan="off",
        limit_concurrency=MAX_CONNECTIONS, timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=2,
        server_header=False, ws="none",
    )  # fmt: skip
    return RestServer(config)


class RestServer(uvicorn.Server):
    """Leaves signals to the process that it is part of, says when it listens, and sleeps until told to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ends = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Nothing but waiting: uvicorn's own loop wakes ten times a second."""
        await self.ends.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: signals belong to the process."""
        yield


class _Rest:
    def __init__(self, guests: Guests) -> None:
        self._guests = guests
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)

    async def server(self, _: Request, __: str) -> Response:
        return JSONResponse(self._guests.server)

    async def ready(self, request: Request, _: str) -> Response:
        there = self._guests.is_ready(request.path_params["model"], request.path_params.get("version", ""))
        return Response(status_code=200 if there else 404)

    async def metadata(self, request: Request, _: str) -> Response:
        name, version = request.path_params["model"], request.path_params.get("version", "")
        return JSONResponse(metadata(await self._guests.info(name, version)))

    async def infer(self, request: Request, guest: str) -> Response:
        """Few at a time are read, so that guests' bodies have bounded memory together; the others wait their turn."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise invalid("Compressed requests are not taken.")
        async with self._at_once:
            body = await _body(request, MAX_BODY_BYTES)
            path = request.path_params
            asked = await asyncio.to_thread(
                read_request, body, request.headers.get(HEAD_LENGTH), guest, path["model"], path.get("version", "")
            )
            outputs = await self._guests.infer(asked)
            answer, head_bytes = await asyncio.to_thread(write_answer, asked, VERSION, outputs)
        if head_bytes is None:
            return Response(answer, media_type="application/json")
        return Response(answer, media_type="application/octet-stream", headers={HEAD_LENGTH: str(head_bytes)})

    async def index(self, request: Request, _: str) -> Response:
        await _body(request, MAX_SMALL_BYTES)
        return JSONResponse(self._guests.index())

    async def load(self, request: Request, _: str) -> Response:
        await _body(request, MAX_SMALL_BYTES)
        await self._guests.load(request.path_params["model"])
        return Response()

    async def unload(self, request: Request, _: str) -> Response:
        await _body(request, MAX_SMALL_BYTES)
        self._guests.unload(request.path_params["model"])
        return Response()

    async def regions(self, request: Request, guest: str) -> Response:
        return JSONResponse(self._guests.regions.status(guest, request.path_params.get("region", "")))

    async def register(self, request: Request, guest: str) -> Response:
        try:
            asked = json.loads(await _body(request, MAX_SMALL_BYTES))
            key, offset, byte_size = str(asked["key"]), asked.get("offset", 0), asked["byte_size"]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise invalid("Registering takes a JSON document with key, offset and byte_size.") from error
        if type(offset) is not int or type(byte_size) is not int:
            raise invalid("offset and byte_size are whole numbers of bytes.")
        self._guests.regions.register(guest, request.path_params["region"], key, offset, byte_size)
        return Response()

    async def unregister(self, request: Request, guest: str) -> Response:
        await _body(request, MAX_SMALL_BYTES)
        self._guests.regions.unregister(guest, request.path_params.get("region", ""))
        return Response()


async def _body(request: Request, most_bytes: int) -> bytes:
    """The whole body; raises ``TOO_LARGE``, and ``UNAVAILABLE`` when it takes too long to come."""
    data = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            async for chunk in request.stream():
                data += chunk
                if len(data) > most_bytes:
                    raise EyespotError(Kind.TOO_LARGE, f"The request has more than {most_bytes} bytes.")
    except TimeoutError as error:
        raise unavailable(f"The request did not come within {READ_S:.0f} s.") from error
    return bytes(data)


def _refusal(error: EyespotError) -> Response:
    facts = error.kind.value
    headers = {"www-authenticate": "Bearer"} if error.kind is Kind.UNAUTHENTICATED else None
    return JSONResponse({"error": str(error)}, facts.http_status, headers)
