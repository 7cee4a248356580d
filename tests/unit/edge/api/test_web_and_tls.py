"""The web app's files, and the self-made certificate."""

import os
import shutil
import ssl
from pathlib import Path

import httpx
import pytest
from api_stand import Stand

from eyespot.edge.api import tls
from eyespot.edge.api.addresses import is_loopback, link_host
from eyespot.edge.api.app import create_app
from eyespot.edge.api.picture_cache import PictureCache
from eyespot.edge.api.server import listen
from eyespot.edge.api.web_files import WebFiles
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError

NOW_NS = 1_780_000_000 * NS_PER_S
DAY_NS = 86_400 * NS_PER_S


async def test_the_app_is_served_for_every_address_of_its_own(stand: Stand, tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    app = create_app(stand.api.deps, WebFiles(web))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        unbuilt = await client.get("/")
        assert unbuilt.status_code == 503
        assert "make web" in unbuilt.text
        (web / "index.html").write_text("<!doctype html>app")
        (web / "assets" / "app-1a2b.js").write_text("run()")
        (tmp_path / "secret.txt").write_text("secret")
        (web / "link.txt").symlink_to(tmp_path / "secret.txt")
        for path in ("/", "/live/front", "/review", "/setup"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (200, "<!doctype html>app"), path
            assert answer.headers["cache-control"] == "no-cache"
        script = await client.get("/assets/app-1a2b.js")
        assert script.headers["content-type"].startswith("text/javascript")
        assert "immutable" in script.headers["cache-control"]
        for path in (
            "/missing.js",
            "/link.txt",
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
        ):
            answer = await client.get(path)
            assert answer.status_code == 404, path
        assert (await client.post("/", json={})).status_code == 404


async def test_a_rebuilt_app_is_served_without_a_restart(stand: Stand, tmp_path: Path) -> None:
    web, outside = tmp_path / "web", tmp_path / "outside"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("one")
    (web / "assets" / "app-1.js").write_text("first()")
    outside.mkdir()
    (outside / "secret.js").write_text("secret()")
    app = create_app(stand.api.deps, WebFiles(web))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:

        async def got(path: str) -> tuple[int, str]:
            answer = await client.get(path)
            return answer.status_code, answer.text if answer.status_code == 200 else ""

        assert await got("/assets/app-1.js") == (200, "first()")
        assert await got("/assets/app-2.js") == (404, "")
        shutil.rmtree(web / "assets")
        (web / "index.html").unlink()
        assert (await got("/"))[0] == 503, "while it is being built"
        (web / "assets").mkdir()
        (web / "assets" / "app-2.js").write_text("second()")
        (web / "index.html").write_text("two")
        assert await got("/") == (200, "two")
        assert await got("/assets/app-2.js") == (200, "second()")
        assert await got("/assets/app-1.js") == (404, "")
        (web / "assets" / "way-out").symlink_to(outside)
        (web / "assets" / "late.js").symlink_to(outside / "secret.js")
        for path in ("/assets/way-out/secret.js", "/assets/late.js", "/assets/../../outside/secret.js"):
            assert await got(path) == (404, ""), path


def test_the_certificate_is_kept_until_it_no_longer_fits(tmp_path: Path) -> None:
    names = ["localhost", "cam.local", "127.0.0.1", "::1"]
    certificate, key = tls.own_certificate(tmp_path / "tls", names, NOW_NS)
    assert os.stat(key).st_mode & 0o777 == 0o600
    assert os.stat(tmp_path / "tls").st_mode & 0o777 == 0o700
    first = tls.fingerprint(certificate)
    tls.own_certificate(tmp_path / "tls", names[:2], NOW_NS + DAY_NS)
    assert tls.fingerprint(certificate) == first
    tls.own_certificate(tmp_path / "tls", [*names, "192.0.2.7"], NOW_NS)
    second = tls.fingerprint(certificate)
    assert second != first, "a new address needs a new certificate"
    tls.own_certificate(tmp_path / "tls", names, NOW_NS + 1080 * DAY_NS)
    third = tls.fingerprint(certificate)
    assert third != second, "it is renewed before it ends"
    key.write_text("broken")
    tls.own_certificate(tmp_path / "tls", names, NOW_NS)
    assert tls.fingerprint(certificate) != third


def test_unusable_certificate_files_are_named(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nothing")
    with pytest.raises(EyespotError, match=r"cert\.pem"):
        tls.check_pair(tmp_path / "cert.pem", tmp_path / "key.pem")


async def test_beyond_loopback_only_tls_is_spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.api.process.is_loopback", lambda bind: False)
    stand = Stand(tmp_path)
    async with stand.running(media=False):
        assert stand.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(stand.state / "tls" / "cert.pem"))
        async with httpx.AsyncClient(verify=context, base_url=f"{stand.url}/api/v1") as client:
            assert (await client.get("/health")).json() == {"ok": True}
            body = {"token": stand.setup_token, "username": "owner", "password": "ripe plum under glass"}
            cookie = (await client.post("/setup", json=body)).headers["set-cookie"]
            assert cookie.startswith("__Host-eyespot=")
            assert "Secure" in cookie
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(str(stand.state / "tls" / "cert.pem"))
        assert old.minimum_version
        async with httpx.AsyncClient() as plain:
            with pytest.raises(httpx.HTTPError):
                await plain.get(stand.url.replace("https", "http") + "/api/v1/health")


def test_loopback_is_recognised() -> None:
    assert all(is_loopback(bind) for bind in ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"))
    assert not any(is_loopback(bind) for bind in ("0.0.0.0", "::", "192.0.2.1", "camera.local"))
    assert link_host("::1") == "[::1]"
    assert link_host("camera.local") == "camera.local"
    assert link_host("0.0.0.0") != "0.0.0.0"


def test_a_port_in_use_is_told() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(EyespotError, match="Cannot listen"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_the_picture_cache_is_bounded(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "c", max_files=20)
    for number in range(100):
        cache.put(f"p{number}", b"x")
    assert 15 <= len(list((tmp_path / "c").iterdir())) <= 20
    assert cache.get("p99") == b"x"
    assert cache.get("p0") is None
    assert PictureCache(tmp_path / "nowhere").get("p") is None


async def test_a_start_again_keeps_accounts_and_the_unused_link(tmp_path: Path) -> None:
    first = Stand(tmp_path)
    async with first.running(media=False):
        link = first.setup_token
    second = Stand(tmp_path)
    async with second.running(media=False):
        assert second.setup_token == link
        assert os.stat(second.state / "run" / "setup-token").st_mode & 0o777 == 0o600
        async with second.client():
            pass
    third = Stand(tmp_path)
    async with third.running(media=False), third.client() as client:
        assert (await client.get("/session")).json()["user"]["name"] == "owner"
