"""The application: routes, gate and web app put together. Pure composition, no I/O."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from eyespot import __version__
from eyespot.edge.api import answers
from eyespot.edge.api.deps import Deps
from eyespot.edge.api.gate import API, MAX_BODY_BYTES, PUBLIC, Gate, cookie_name
from eyespot.edge.api.routes import (
    accounts,
    built_in_services,
    cameras,
    config,
    events,
    footage,
    live,
    outputs,
    service_uploads,
    services,
    session,
    status,
)
from eyespot.edge.api.web_files import WebFiles

_ROUTERS = (
    session, accounts, cameras, footage, events, status, config, outputs, services, service_uploads, built_in_services,
    live,
)  # fmt: skip
_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": answers.ErrorAnswer, "description": text}
    for code, text in {
        400: "The request breaks its rules",
        401: "Nobody is signed in",
        403: "Not allowed",
        404: "There is no such thing",
        409: "It is not, or no longer, as the request supposes",
        413: "Too large",
        429: "Too often, or too much at once",
        503: "Not available now",
        507: "No more room",
    }.items()
}


def create_app(deps: Deps, web: WebFiles | None = None) -> FastAPI:
    """The whole HTTP and WebSocket application over ``deps``."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        deps.feeds.start(deps.settings.reload)
        deps.services.states.start()
        sweeping = asyncio.create_task(deps.uploads.run(), name="sweep of uploads")
        yield
        sweeping.cancel()
        await deps.services.states.close()
        await deps.live.close()
        await deps.feeds.close()

    app = FastAPI(
        title="Eyespot camera host",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=_ERRORS,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.deps = deps
    answers.install(app)
    for module in _ROUTERS:
        app.include_router(module.router, prefix=API)

    @app.get(f"{API}/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return await asyncio.to_thread(app.openapi)

    app.mount("/", web or WebFiles())
    app.add_middleware(Gate, auth=deps.auth, hosts=deps.hosts, secure=deps.secure)
    app.openapi = lambda: _openapi(app, secure=deps.secure)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI, *, secure: bool) -> dict[str, Any]:
    """The OpenAPI document, with who may call what."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes, description=_ABOUT)
        schema["components"]["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": cookie_name(secure=secure)},
            "token": {"type": "http", "scheme": "bearer"},
        }
        schema["security"] = [{"token": []}, {"session": []}]
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                operation["responses"].pop("422", None)
                if (method.upper(), path) in PUBLIC:
                    operation["security"] = []
        app.openapi_schema = schema
    return app.openapi_schema


_ABOUT = """Times are wall-clock nanoseconds since 1970 (UTC). Errors have the shape of `ErrorAnswer`. With the session
cookie, every request that changes something needs the header `X-CSRF-Token`."""
