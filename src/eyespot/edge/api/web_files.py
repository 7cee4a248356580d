"""The built web app: its files, with ``index.html`` for every address that the app itself routes.

Only files that were in the folder when the process started are served, by exact name, so no path can lead out of it.
"""

import mimetypes
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
        self._files = self._list()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose(1008, "There is no such live view.")(scope, receive, send)
            return
        await self._answer(scope["path"])(scope, receive, send)

    def _answer(self, path: str) -> Response:
        if path.startswith("/api/"):
            raise not_found("There is no such call.", "See the OpenAPI document for what there is.")
        name = path.lstrip("/")
        if name not in self._files:
            if "." in name.rpartition("/")[2]:
                raise not_found("There is no such file.", "Open the camera's address without a path.")
            name = "index.html"
        if name not in self._files:
            self._files = self._list()  # it may have been built meanwhile
        if name not in self._files:
            return HTMLResponse(_NOT_BUILT, 503, {"Cache-Control": "no-store"})
        kept = name.startswith("assets/")
        caching = "public, max-age=31536000, immutable" if kept else "no-cache"
        return FileResponse(self._files[name], headers={"Cache-Control": caching}, media_type=_type_of(name))

    def _list(self) -> dict[str, Path]:
        if not self._folder.is_dir():
            return {}
        found = (path for path in sorted(self._folder.rglob("*")) if path.is_file() and not path.is_symlink())
        return {
            path.relative_to(self._folder).as_posix(): path for path, _ in zip(found, range(_MAX_FILES), strict=False)
        }


def _type_of(name: str) -> str:
    suffix = Path(name).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
