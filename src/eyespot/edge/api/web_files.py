"""The built web app: its files, with ``index.html`` for every address that the app itself routes.

Only files of a list of the folder are served, by exact name, so no path can lead out of it. The list is made anew
when the folder was built anew.
"""

import mimetypes
import os
from pathlib import Path

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from eyespot.kernel.errors import not_found

WEB_FOLDER = Path(__file__).parent / "web"
_MAX_FILES = 4096
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2",
          ".webmanifest": "application/manifest+json", ".html": "text/html", ".json": "application/json"}  # fmt: skip
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Eyespot</title>
<h1>The web app is not built</h1>
<p>The camera works, and its API answers below <code>/api/v1</code>. To get the web app, run <code>make web</code> in
the source folder and reload this page; it is part of every release.</p></html>"""


class WebFiles:
    """An ASGI application that serves ``folder``."""

    def __init__(self, folder: Path = WEB_FOLDER) -> None:
        self._folder = folder
        self._stamp: object = None
        self._files: dict[str, Path] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose(1008, "There is no such live view.")(scope, receive, send)
            return
        await self._answer(scope["path"])(scope, receive, send)

    def _answer(self, path: str) -> Response:
        if path.startswith("/api/"):
            raise not_found("There is no such call.", "See the OpenAPI document for what there is.")
        self._look()
        name = path.lstrip("/")
        if name not in self._files:
            if "." in name.rpartition("/")[2]:
                raise not_found("There is no such file.", "Open the camera's address without a path.")
            name = "index.html"
        if name not in self._files:
            return HTMLResponse(_NOT_BUILT, 503, {"Cache-Control": "no-store"})
        kept = name.startswith("assets/")
        caching = "public, max-age=31536000, immutable" if kept else "no-cache"
        return FileResponse(self._files[name], headers={"Cache-Control": caching}, media_type=_type_of(name))

    def _look(self) -> None:
        """List the files again when a folder or the start page is another than at the last look."""
        watched = (self._folder, self._folder / "assets", self._folder / "index.html")
        stamp = tuple(_stamp(path) for path in watched)
        if stamp != self._stamp:
            self._stamp, self._files = stamp, self._list()

    def _list(self) -> dict[str, Path]:
        if not self._folder.is_dir():
            return {}
        root = self._folder.resolve()
        found = (path for path in sorted(root.rglob("*")) if path.is_file() and path.resolve() == path)
        return {path.relative_to(root).as_posix(): path for path, _ in zip(found, range(_MAX_FILES), strict=False)}


def _stamp(path: Path) -> tuple[int, int]:
    """What tells two states of a file or folder apart: its last change, and its size or how many things are in it."""
    try:
        found = path.stat()
        return found.st_mtime_ns, len(os.listdir(path)) if path.is_dir() else found.st_size
    except OSError:
        return 0, 0


def _type_of(name: str) -> str:
    suffix = Path(name).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
