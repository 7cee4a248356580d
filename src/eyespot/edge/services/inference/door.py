"""``infer.sock`` of one service: who connects is told by the kernel, what it may ask by its allowance.

One request of a service is at work at a time; the others wait in its own sockets. What is above its allowance is
answered with an error, and whoever asks on and on is read more slowly, so that it costs nobody else anything.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import h11

from eyespot.contracts.frames_door import Grant
from eyespot.edge.frames.caller import check_caller
from eyespot.edge.infer_rest_wire import HEAD_LENGTH
from eyespot.edge.services.bucket import Bucket
from eyespot.edge.services.inference.allowance import Allowance
from eyespot.edge.services.inference.answers import Answer, Answers, Asked, asked, refusal
from eyespot.edge.services.inference.http_talk import HttpTalk
from eyespot.edge.services.own_socket import OwnSocket, hang_up
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind

log = logging.getLogger(__name__)

T = TypeVar("T")
CONNECTIONS = 4
SPARE_REQUESTS_PER_S = 10.0
"""Read beyond two for each inference that is granted; more have to wait."""
PAUSE_S = 0.1
"""Before an inference above the allowance is refused."""
_READ_BYTES = 1 << 16


class InferDoor:
    """From ``open`` to ``close``.

    Args:
        wake: makes sure that the inference process is there.
    """

    def __init__(
        self, grant: Grant, answers: Answers, allowance: Allowance, wake: Callable[[], Awaitable[None]], clock: Clock
    ) -> None:
        self._grant, self._answers, self._allowance, self._wake = grant, answers, allowance, wake
        self._clock = clock
        self._requests = Bucket(SPARE_REQUESTS_PER_S + 2 * allowance.rate_hz, clock)
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "infer-door")
        self._socket = OwnSocket(grant, self._talk, _READ_BYTES)

    async def open(self) -> None:
        """Listen; a socket left by an earlier life is replaced."""
        await self._socket.open()

    async def close(self) -> None:
        """Hang up and take the socket away; a run under way ends by itself."""
        await self._socket.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def status(self) -> dict[str, Any]:
        """Connections, and what was used and refused."""
        return {"connections": len(self._socket), **self._allowance.status()}

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = HttpTalk(reader, writer)
        try:
            peer: socket.socket = writer.get_extra_info("socket")
            check_caller(peer, self._grant)
            if len(self._socket) > CONNECTIONS:
                raise EyespotError(Kind.THROTTLED, f"More than {CONNECTIONS} connections.", "Use one.")
            while (request := await talk.request()) is not None:
                await talk.answer(await self._answer(talk, request))
        except EyespotError as error:
            self._allowance.refused(error)
            log.info("inference for %s: %s", self._grant.socket.parent.name, error)
            with contextlib.suppress(h11.LocalProtocolError, OSError, TimeoutError):
                await talk.answer(refusal(error))
        except (OSError, TimeoutError, h11.LocalProtocolError):
            log.debug("a connection for inference ended")
        finally:
            await hang_up(writer)

    async def _answer(self, talk: HttpTalk, request: h11.Request) -> Answer:
        """What it asks for, or why not; a defect of ours is answered as one."""
        try:
            return await self._asked(talk, request)
        except EyespotError as error:
            self._allowance.refused(error)
            return refusal(error)
        except Exception as error:  # a defect here is the service's error message, not the process's end
            log.exception("an inference for a service failed")
            return refusal(EyespotError(Kind.INTERNAL, f"The request failed: {type(error).__name__}."))

    async def _asked(self, talk: HttpTalk, request: h11.Request) -> Answer:
        if (wait_s := self._requests.take(1)) > 0:
            await self._clock.sleep(wait_s)
        what = asked(request.method.decode("ascii"), request.target.decode("ascii", "replace"))
        if what.kind == "server":
            return self._answers.server()
        async with self._turn:
            self._allowance.check(what.model)
            if what.kind == "infer":
                return await self._infer(talk, what, _header(request, HEAD_LENGTH))
            await self._wake()
            return await self._in_thread(self._answers.ready if what.kind == "ready" else self._answers.metadata, what)

    async def _infer(self, talk: HttpTalk, what: Asked, head_length: str | None) -> Answer:
        try:
            self._allowance.ask(what.model)
        except EyespotError:
            await self._clock.sleep(PAUSE_S)  # in its turn: asking on and on is answered a few times a second
            raise
        await self._wake()
        most_bytes = await self._in_thread(self._answers.most_bytes, what)
        body = await talk.body(most_bytes)
        return await self._in_thread(self._answers.infer, what, body, head_length)

    async def _in_thread(self, call: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *values)


def _header(request: h11.Request, name: str) -> str | None:
    for found, value in request.headers:
        if found == name.encode():
            return value.decode("ascii", "replace")
    return None
