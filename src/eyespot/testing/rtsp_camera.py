"""A test camera: serves a video file over RTSP as a live camera would, to any number of readers, with faults at will.

Owns pacing, sessions and faults; the file is cut into packets by ``rtsp_clip``. Run it as a process with
``python -m eyespot.testing.rtsp_camera FILE --port 0 --paths 16``; it prints its addresses as one line of JSON.
"""

import argparse
import asyncio
import json
import secrets
import ssl
from collections.abc import Coroutine, Sequence
from pathlib import Path

from eyespot.testing.rtsp_clip import Clip, load
from eyespot.testing.rtsp_live import Faults, LivePath
from eyespot.testing.rtsp_server import Access, ServerSide


class RtspCamera:
    """An RTSP server on loopback; use it as an asynchronous context manager.

    Args:
        clips: the file to serve, or one file for each path (taken in turn).
        paths: how many paths to serve: ``/cam0``, ``/cam1``, …, out of step with each other.
        port: where to listen; 0 takes a free port.
        username: with ``password``, asks readers for Digest authentication.
        password: see ``username``.
        algorithm: ``MD5`` or ``SHA-256`` for Digest, or ``Basic``.
        session_s: session timeout announced to readers.
        audio: serve the file's AAC track as well.
        tls: serve ``rtsps://`` with this context.
    """

    def __init__(
        self,
        clips: Path | Clip | Sequence[Path | Clip],
        *,
        paths: int = 1,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "",
        password: str = "",
        algorithm: str = "MD5",
        session_s: int = 60,
        audio: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        given = [clips] if isinstance(clips, Path | Clip) else list(clips)
        loaded = {id(clip): load(clip) if isinstance(clip, Path) else clip for clip in given}
        self._host = host
        self._port = port
        self._tls = tls
        self._access = Access(username, password, algorithm, session_s, secrets.token_hex(8))
        self._server: asyncio.Server | None = None
        self._live: dict[str, LivePath] = {}
        for index in range(paths):
            clip = loaded[id(given[index % len(given)])]
            self._live[f"/cam{index}"] = LivePath(clip, phase=index / max(1, paths), audio=audio)
        self._connections: set[ServerSide] = set()

    async def __aenter__(self) -> "RtspCamera":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self._host, self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop everybody."""
        self.drop_connections()
        for live in self._live.values():
            live.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        await asyncio.sleep(0)

    def _accept(self) -> ServerSide:
        return ServerSide(self._live, self._access, self._connections)

    # -- what there is

    def url(self, path: int = 0, *, credentials: bool = True) -> str:
        """The address of a path, with credentials when there are any and they are wanted."""
        user = f"{self._access.username}:{self._access.password}@" if credentials and self._access.username else ""
        return f"rtsp{'s' if self._tls else ''}://{user}{self._host}:{self._port}/cam{path}"

    @property
    def readers(self) -> int:
        """How many readers play now."""
        return sum(len(live.readers) for live in self._live.values())

    def connections_made(self) -> int:
        """How many connections were accepted so far."""
        return self._access.accepted

    def requests(self, method: str) -> int:
        """How many requests of a method came so far."""
        return self._access.requests[method]

    # -- faults

    def faults(self, path: int = 0) -> Faults:
        """The faults of a path; change them while it plays."""
        return self._live[f"/cam{path}"].faults

    def stall(self, path: int = 0, *, on: bool = True) -> None:
        """Send nothing more, keep the connections open; ``on=False`` goes on."""
        self.faults(path).stalled = on

    def lose_every(self, nth: int, path: int = 0) -> None:
        """Leave every ``nth`` RTP packet out; 0 ends it."""
        self.faults(path).lose_every = nth

    def send_garbage(self, data: bytes, path: int = 0) -> None:
        """Send ``data`` as it is to every reader of a path, between two frames."""
        self._live[f"/cam{path}"].send_raw(data)

    def switch(self, clip: Path | Clip, path: int = 0) -> None:
        """Go on with another file from its beginning (resolution change)."""
        self._live[f"/cam{path}"].switch(load(clip) if isinstance(clip, Path) else clip)

    def drop_connections(self) -> None:
        """Cut every connection."""
        for connection in list(self._connections):
            connection.cut()

    def refuse(self, *, on: bool = True) -> None:
        """Answer 401 to everybody, whatever the credentials."""
        self._access.refuse = on

    def expire_nonce(self) -> None:
        """Take a new nonce: the old one is answered as stale."""
        self._access.nonce = secrets.token_hex(8)


async def _serve(arguments: argparse.Namespace) -> None:
    camera = RtspCamera(
        [Path(name) for name in arguments.file],
        paths=arguments.paths,
        host=arguments.host,
        port=arguments.port,
        username=arguments.username,
        password=arguments.password,
        audio=arguments.audio,
    )
    async with camera:
        print(json.dumps({"urls": [camera.url(path) for path in range(arguments.paths)]}), flush=True)
        await asyncio.Event().wait()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve files until interrupted."""
    parser = argparse.ArgumentParser(prog="rtsp_camera", description="Serve video files as live RTSP cameras.")
    parser.add_argument("file", nargs="+", help="H.264 or H.265 file; several are given to the paths in turn")
    parser.add_argument("--paths", type=int, default=1, help="how many cameras to serve: /cam0, /cam1, …")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--audio", action="store_true", help="serve an AAC track as well")
    arguments = parser.parse_args(argv)
    try:
        _run(_serve(arguments))
    except KeyboardInterrupt:
        return


def _run(main_coroutine: Coroutine[object, object, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main_coroutine)
    else:
        uvloop.run(main_coroutine)


if __name__ == "__main__":
    main()
