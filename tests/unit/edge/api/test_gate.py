"""Deny by default: every route of the app, by enumeration; hosts, origins, CSRF, sizes, headers."""

import asyncio
import contextlib
import re
from collections.abc import Iterator

import httpx
import pytest
from api_stand import Stand
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Mount, Route
from websockets.exceptions import InvalidStatus

from eyespot.edge.api.app import create_app
from eyespot.edge.api.gate import API, PUBLIC


def concrete(path: str) -> str:
    """``path`` with something in every placeholder."""
    return re.sub(r"\{[^}]*\}", "front", path)


def every_call(stand: Stand) -> Iterator[tuple[str, str]]:
    """(method, path) of every HTTP route below /api, taken from the app object itself."""
    found = 0
    for route in create_app(stand.api.deps).router.routes:
        for method, path in walk(route):
            found += 1
            yield method, concrete(path)
    assert found > 25


def walk(route: object) -> Iterator[tuple[str, str]]:
    if isinstance(route, APIRoute | Route):
        for method in route.methods or ():
            yield method, route.path
    elif isinstance(route, APIWebSocketRoute | Mount):
        return
    else:
        prefix = getattr(getattr(route, "include_context", None), "prefix", "")
        inner = getattr(route, "original_router", None) or route
        for item in inner.routes:  # type: ignore[attr-defined]
            for method, path in walk(item):
                yield method, prefix + path


async def test_every_route_refuses_strangers(stand: Stand, anyone: httpx.AsyncClient) -> None:
    for method, path in every_call(stand):
        answer = await anyone.request(method, stand.url + path)
        if (method.replace("HEAD", "GET"), path) in PUBLIC:
            assert answer.status_code in (200, 400), (method, path)
        else:
            assert answer.status_code == 401, (method, path, answer.text)
            assert method == "HEAD" or answer.json()["error"]["kind"] == "unauthenticated"
    for path in ("/api/v1/nothing", "/api/v2/cameras", "/api/", "/api/v1/openapi.json", "/api/v1/health/"):
        assert (await anyone.get(stand.url + path)).status_code == 401, path


async def test_every_change_refuses_viewers(stand: Stand, owner: httpx.AsyncClient) -> None:
    phrase = "another long phrase"
    assert (await owner.post("/users", json={"name": "guest", "password": phrase})).status_code == 201
    may = {("DELETE", "/api/v1/session"), ("PUT", "/api/v1/session/password"), ("POST", "/api/v1/tokens")}
    may |= {("DELETE", "/api/v1/tokens/front")} | PUBLIC
    admin_reads = {f"{API}/users", f"{API}/config", f"{API}/config/schema", f"{API}/services"}
    below = ("", "/settings", "/logs", "/state", "/views/front/sample", "/views/front/sample.jpg")
    admin_reads |= {f"{API}/services/front{path}" for path in below} | {
        f"{API}/service-uploads/front",
        f"{API}/built-in-services",
    }
    async with stand.client(sign_in=False) as guest:
        signed_in = await guest.post("/session", json={"username": "guest", "password": phrase})
        guest.headers["X-CSRF-Token"] = signed_in.json()["csrf"]
        checked = 0
        for method, path in every_call(stand):
            if (method not in ("GET", "HEAD") and (method, path) not in may) or path in admin_reads:
                assert (await guest.request(method, stand.url + path, json={})).status_code == 403, (method, path)
                checked += 1
    assert checked >= 8


async def test_a_viewer_of_one_camera_learns_nothing_of_another(stand: Stand, owner: httpx.AsyncClient) -> None:
    body = {"name": "guest", "password": "another long phrase", "cameras": ["front"]}
    assert (await owner.post("/users", json=body)).status_code == 201
    async with stand.client(sign_in=False) as guest:
        await guest.post("/session", json={"username": "guest", "password": "another long phrase"})
        assert [camera["id"] for camera in (await guest.get("/cameras")).json()["cameras"]] == ["front"]
        assert set((await guest.get("/status")).json()["cameras"]) == {"front"}
        span = "?from_ns=1&to_ns=2&at_ns=1"
        for path in ("", "/rules", f"/timeline{span}", f"/playback{span}", f"/export.mp4{span}", "/snapshot.jpg"):
            hidden = await guest.get(f"/cameras/yard{path}")
            missing = await guest.get(f"/cameras/nowhere{path}")
            assert hidden.status_code == missing.status_code == 404, path
            assert hidden.text.replace("yard", "?") == missing.text.replace("nowhere", "?")
        assert (await guest.get("/events?camera=yard")).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil.example", "evil.example:8450", "[evil]", "a b"])
async def test_foreign_host_names_are_refused(stand: Stand, anyone: httpx.AsyncClient, host: str) -> None:
    answer = await anyone.get("/health", headers={"Host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "192.168.7.7:8450", "[::1]:8450"])
async def test_own_names_and_addresses_are_accepted(stand: Stand, anyone: httpx.AsyncClient, host: str) -> None:
    assert (await anyone.get("/health", headers={"Host": host})).json() == {"ok": True}


async def test_changes_need_the_csrf_token_and_the_own_origin(stand: Stand, owner: httpx.AsyncClient) -> None:
    token = owner.headers.pop("X-CSRF-Token")
    body = {"name": "x"}
    assert (await owner.post("/tokens", json=body)).status_code == 403
    assert (await owner.post("/tokens", json=body, headers={"X-CSRF-Token": "0" * 32})).status_code == 403
    right = {"X-CSRF-Token": token}
    for origin in ("https://evil.example", "null", "http://[", stand.url + "0"):
        assert (await owner.post("/tokens", json=body, headers={**right, "Origin": origin})).status_code == 403
    assert (await owner.post("/tokens", json=body, headers={**right, "Origin": stand.url})).status_code == 201
    foreign = await owner.post("/session", json={}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403, "signing somebody in from another site is refused too"


async def test_credentials_in_the_address_mean_nothing(stand: Stand, owner: httpx.AsyncClient) -> None:
    secret = (await owner.post("/tokens", json={"name": "x"})).json()["token"]
    async with stand.client(sign_in=False) as client:
        for query in (f"token={secret}", f"access_token={secret}", f"auth={secret}"):
            assert (await client.get(f"/cameras?{query}")).status_code == 401
        assert (await client.get("/cameras", auth=("owner", secret))).status_code == 401
        for name in ("uid=admin", "eyespot=admin", "eyespot=" + "x" * 5000, 'eyespot="', "eyespot=" + secret):
            assert (await client.get("/cameras", headers={"Cookie": name})).status_code == 401
        for header in ("X-Forwarded-For", "X-Real-IP", "X-Forwarded-User", "X-Original-URL"):
            assert (await client.get("/cameras", headers={header: "127.0.0.1"})).status_code == 401


async def test_large_requests_are_refused_early(stand: Stand, anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post("/session", content=b"x" * (2 << 20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413

    async def endless() -> object:  # chunked: no length is announced
        for _ in range(64):
            yield b"x" * 65_536

    answer = await anyone.post("/session", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert (await anyone.get("/setup?" + "q" * 5000)).status_code == 413
    assert (await anyone.get("/health")).status_code == 200


async def test_deep_and_strange_bodies_are_invalid_not_errors(stand: Stand, anyone: httpx.AsyncClient) -> None:
    kind = {"Content-Type": "application/json"}
    for body in (b"[" * 100_000, b"{", b"\xff\xfe", b"1e999", b'{"username": 1}', b"null", b'{"username":"\\ud800"}'):
        answer = await anyone.post("/session", content=body, headers=kind)
        assert answer.status_code == 400, body[:20]
        assert answer.json()["error"]["kind"] == "invalid"
    assert (await anyone.post("/session", content=b"{}", headers={"Content-Type": "text/plain"})).status_code == 400


async def test_every_answer_carries_the_security_headers(stand: Stand, owner: httpx.AsyncClient) -> None:
    for answer in (await owner.get("/cameras"), await owner.get("/nothing"), await owner.get(stand.url + "/")):
        headers = answer.headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    assert (await owner.get("/cameras")).headers["cache-control"] == "no-store"


async def test_unfinished_requests_are_cut(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.api.server.FIRST_REQUEST_S", 0.2)
    host, port = stand.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /api/v1/health HTTP/1.1\r\nHost: local")
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_socket_paths_outside_the_api_are_refused(stand: Stand, owner: httpx.AsyncClient) -> None:
    for path in ("/../../x", "/nothing"):
        with pytest.raises(InvalidStatus) as refused:
            async with stand.socket(path, owner):
                pass
        assert refused.value.response.status_code in (401, 403, 404)


async def test_unfinished_bodies_are_given_up(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.api.gate.BODY_S", 0.2)
    host, port = stand.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Content-Length: 60\r\n\r\n{"username": '
    )
    async with asyncio.timeout(10):
        answer = await reader.read(64)
    assert answer == b"" or answer.split()[1] in (b"400", b"408"), answer
    writer.close()
