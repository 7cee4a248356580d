"""Set-up, sign-in, sessions and tokens over real HTTP."""

import httpx
from api_stand import PASSWORD, Stand


async def test_first_account_is_made_once(stand: Stand, anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/setup")).json() == {"needed": True}
    body = {"token": stand.setup_token, "username": "owner", "password": PASSWORD}
    wrong = await anyone.post("/setup", json={**body, "token": "x" * 43})
    assert wrong.status_code == 401
    answer = await anyone.post("/setup", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"] == {"name": "owner", "role": "admin", "cameras": None}
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert not (stand.state / "run" / "setup-token").exists()
    assert (await anyone.get("/setup")).json() == {"needed": False}
    assert (await anyone.post("/setup", json=body)).status_code == 409
