"""The gate before every route: host and origin checks, authentication, CSRF, roles, size limits, security headers.

Deny by default: below ``/api/`` only what ``PUBLIC`` lists is open, everything else needs a principal, and everything
that changes something needs an admin unless ``VIEWER_MAY`` lists it. A pure ASGI middleware, so that no route,
WebSocket or mounted application can forget it. It knows nothing of what routes do.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eyespot.edge.api.answers import error_answer
from eyespot.edge.api.principal import Auth, Principal, unauthenticated
from eyespot.kernel.errors import EyespotError, Kind, invalid

log = logging.getLogger(__name__)

API = "/api/v1"
MAX_BODY_BYTES = 1 << 20
MAX_UPLOAD_BYTES = 280 << 20
"""For the one request that takes a package of a service: the largest package, and a little."""
UPLOADS = frozenset({("POST", f"{API}/service-uploads")})
MAX_QUERY_BYTES = 4096
BODY_S = 20.0
PUBLIC = frozenset(
    {("GET", f"{API}/health"), ("GET", f"{API}/setup"), ("POST", f"{API}/setup"), ("POST", f"{API}/session")}
)
VIEWER_MAY = frozenset({("DELETE", f"{API}/session"), ("PUT", f"{API}/session/password"), ("POST", f"{API}/tokens")})
_VIEWER_MAY_BELOW = (("DELETE", f"{API}/tokens/"),)
_READS = frozenset({"GET", "HEAD"})

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Gate:
    """Lets a request through to ``app`` with ``scope["state"]["principal"]`` set, or answers for it.

    Args:
        auth: says who a secret belongs to.
        hosts: names under which this host may be addressed, besides its IP addresses and ``localhost``.
        secure: whether it is served over TLS.
    """

    def __init__(self, app: ASGIApp, *, auth: Auth, hosts: Iterable[str], secure: bool) -> None:
        self._app = app
        self._auth = auth
        self._hosts = frozenset(host.casefold().rstrip(".") for host in hosts) | {"localhost"}
        self._cookie = cookie_name(secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        decorated = _with_headers(scope, send) if scope["type"] == "http" else send
        try:
            principal = await self._admit(scope)
        except EyespotError as error:
            await _refuse(error, scope, receive, decorated)
            return
        scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, _impatient(receive) if scope["type"] == "http" else receive, decorated)

    async def _admit(self, scope: Scope) -> Principal | None:
        headers = Headers(scope=scope)
        path, is_socket = scope["path"], scope["type"] == "websocket"
        method = "GET" if is_socket else scope["method"]
        self._check_host(headers)
        _check_sizes(scope, headers)
        if not path.startswith("/api/"):
            if is_socket or method not in _READS:
                raise EyespotError(Kind.NOT_FOUND, "There is nothing here.", f"The API is below {API}.")
            return None
        if is_socket or method not in _READS:
            _check_origin(headers, required=False)
        if ("GET" if method == "HEAD" else method, path) in PUBLIC and not is_socket:
            return None
        principal = await self._authenticate(headers)
        if principal.csrf is not None:
            self._check_forgery(principal, headers, method, is_socket=is_socket)
        if not (method in _READS or _viewer_may(method, path)):
            principal.need_admin()
        return principal

    async def _authenticate(self, headers: Headers) -> Principal:
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            principal = await self._auth.by_token(secret.strip()) if scheme.lower() == "bearer" else None
        else:
            cookie = cookie_of(headers, self._cookie)
            principal = await self._auth.by_session(cookie) if cookie else None
        if principal is None:
            raise unauthenticated()
        return principal

    def _check_forgery(self, principal: Principal, headers: Headers, method: str, *, is_socket: bool) -> None:
        if is_socket:
            _check_origin(headers, required=True)
        elif method not in _READS and headers.get("x-csrf-token") != principal.csrf:
            raise EyespotError(
                Kind.FORBIDDEN,
                "The X-CSRF-Token header is missing or wrong.",
                "Repeat what GET session says under csrf.",
            )

    def _check_host(self, headers: Headers) -> None:
        """Refuse names that somebody else may have pointed here (DNS rebinding); IP addresses cannot be."""
        host = _host_name(headers.get("host", ""))
        if host in self._hosts or host.removesuffix(".local") in self._hosts or _is_ip(host):
            return
        raise invalid(
            "This host is not known under that name.",
            "Use its address, or one of its names; see docs/guide/security.md.",
        )


def cookie_name(*, secure: bool) -> str:
    """Name of the session cookie; with TLS its prefix makes browsers refuse it from anywhere else."""
    return "__Host-eyespot" if secure else "eyespot"


def cookie_of(headers: Headers, name: str) -> str | None:
    """The value of cookie ``name``, None without one."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")[:8192]).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _viewer_may(method: str, path: str) -> bool:
    return (method, path) in VIEWER_MAY or any(
        method == allowed and path.startswith(prefix) for allowed, prefix in _VIEWER_MAY_BELOW
    )


def _check_sizes(scope: Scope, headers: Headers) -> None:
    if len(scope.get("query_string", b"")) > MAX_QUERY_BYTES:
        raise EyespotError(
            Kind.TOO_LARGE, f"The query is longer than {MAX_QUERY_BYTES} bytes.", "Ask for less at once."
        )
    length = headers.get("content-length", "0")
    most = MAX_UPLOAD_BYTES if (scope.get("method"), scope["path"]) in UPLOADS else MAX_BODY_BYTES
    if not length.isascii() or not length.isdigit() or len(length) > 18 or int(length) > most:
        raise EyespotError(Kind.TOO_LARGE, f"The request is larger than {most} bytes.", "Send less.")


def _check_origin(headers: Headers, *, required: bool) -> None:
    """Refuse what a page of another origin asks a browser to send."""
    origin = headers.get("origin")
    if origin is None:
        if required:
            raise EyespotError(
                Kind.FORBIDDEN, "A WebSocket with a cookie needs an Origin header.", "Use a bearer token."
            )
        return
    try:
        same = urlsplit(origin).netloc.casefold() == headers.get("host", "").casefold()
    except ValueError:
        same = False
    if not same:
        raise EyespotError(Kind.FORBIDDEN, "The request comes from another site.", "Open the camera's own address.")


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].casefold().rstrip(".") if ":" in host else host.casefold().rstrip(".")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _impatient(receive: Receive) -> Receive:
    """``receive`` that gives up on a request body that has not come whole after ``BODY_S``."""
    whole = False

    async def bounded() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout(BODY_S):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return bounded


def _with_headers(scope: Scope, send: Send) -> Send:
    is_api = scope["path"].startswith("/api/")

    async def decorated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _ALWAYS.items():
                headers.setdefault(name, value)
            if is_api:
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return decorated


async def _refuse(error: EyespotError, scope: Scope, receive: Receive, send: Send) -> None:
    if error.kind is Kind.FORBIDDEN:
        client = scope.get("client") or ("?",)
        log.warning("audit: refused %s from %s: %s", scope["path"][:200], client[0], error.what)
    answer = error_answer(error)
    if scope["type"] == "http":
        await answer(scope, receive, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        await receive()
        await send(
            {"type": "websocket.http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
        )
        await send({"type": "websocket.http.response.body", "body": answer.body})
    else:
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error.what[:100]})
