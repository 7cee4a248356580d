"""Set-up, sign-in, sessions and tokens over real HTTP."""

import asyncio

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


async def test_two_people_racing_for_the_first_account_make_one(stand: Stand) -> None:
    async with stand.client(sign_in=False) as one, stand.client(sign_in=False) as other:
        token = stand.setup_token
        answers = await asyncio.gather(
            one.post("/setup", json={"token": token, "username": "one", "password": PASSWORD}),
            other.post("/setup", json={"token": token, "username": "other", "password": PASSWORD}),
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(stand.api.deps.auth.store.users()) == 1


async def test_a_weak_first_password_keeps_the_link_alive(stand: Stand, anyone: httpx.AsyncClient) -> None:
    for weak in ("short", "a" * 20, "password1234", "ownerowner1", "x" * 300):
        body = {"token": stand.setup_token, "username": "owner", "password": weak}
        assert (await anyone.post("/setup", json=body)).status_code == 400, weak
    assert (await anyone.get("/setup")).json() == {"needed": True}


async def test_a_session_ends_when_signed_out(owner: httpx.AsyncClient) -> None:
    me = (await owner.get("/session")).json()
    assert me["user"]["name"] == "owner"
    assert me["csrf"] == owner.headers["X-CSRF-Token"]
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in owner.cookies.items())}
    assert (await owner.delete("/session")).status_code == 204
    assert not owner.cookies
    assert (await owner.get("/session", headers=cookie)).status_code == 401


async def test_a_new_password_ends_the_other_sessions(stand: Stand, owner: httpx.AsyncClient) -> None:
    async with stand.client() as elsewhere:
        new = "quiet river, tall reeds"
        wrong = await owner.put("/session/password", json={"current": "no", "new": new})
        assert wrong.status_code == 403
        assert (await elsewhere.get("/session")).status_code == 200
        assert (await owner.put("/session/password", json={"current": PASSWORD, "new": new})).status_code == 204
        assert (await owner.get("/session")).status_code == 200
        assert (await elsewhere.get("/session")).status_code == 401
        old = await elsewhere.post("/session", json={"username": "owner", "password": PASSWORD})
        assert old.status_code == 401
        assert (await elsewhere.post("/session", json={"username": "OWNER", "password": new})).status_code == 200


async def test_unknown_user_and_wrong_password_look_alike(stand: Stand, owner: httpx.AsyncClient) -> None:
    async with stand.client(sign_in=False) as client:
        wrong = await client.post("/session", json={"username": "owner", "password": "wrong wrong"})
        unknown = await client.post("/session", json={"username": "nobody", "password": "wrong wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text


async def test_guessing_is_slowed_and_others_are_not(stand: Stand, owner: httpx.AsyncClient) -> None:
    other = {"username": "guest", "password": "another long phrase"}
    assert (await owner.post("/users", json={"name": "guest", "password": other["password"]})).status_code == 201
    async with stand.client(sign_in=False) as attacker:
        codes = [
            (await attacker.post("/session", json={"username": "owner", "password": f"guess number {n}"})).status_code
            for n in range(10)
        ]
        assert codes[:3] == [401, 401, 401]
        assert set(codes[3:]) == {429}
        right = await attacker.post("/session", json={"username": "owner", "password": PASSWORD})
        assert right.status_code == 429, "the right password in the waiting time tells nothing"
        assert (await attacker.post("/session", json=other)).status_code == 200


async def test_vendor_defaults_open_nothing(stand: Stand, owner: httpx.AsyncClient) -> None:
    async with stand.client(sign_in=False) as client:
        for name in ("admin", "root", "user", "service", "888888", "eyespot", "support", "guest"):
            for password in ("admin", "12345", "", "eyespot", "root"):
                answer = await client.post("/session", json={"username": name, "password": password})
                assert answer.status_code in (400, 401, 429)


async def test_tokens_are_shown_once_and_end_when_removed(stand: Stand, owner: httpx.AsyncClient) -> None:
    made = (await owner.post("/tokens", json={"name": "doorbell", "role": "viewer"})).json()
    listed = (await owner.get("/tokens")).json()["tokens"]
    assert [(token["id"], token["name"], token["role"]) for token in listed] == [(made["id"], "doorbell", "viewer")]
    assert made["token"] not in (await owner.get("/tokens")).text
    async with stand.client(sign_in=False) as program:
        program.headers["Authorization"] = f"Bearer {made['token']}"
        assert (await program.get("/cameras")).status_code == 200
        assert (await program.get("/session")).json()["csrf"] is None
        assert (await program.get("/config")).status_code == 403, "a viewer's token of an admin is a viewer"
        assert (await program.post("/tokens", json={"name": "more", "role": "admin"})).status_code == 403
        assert (await owner.delete(f"/tokens/{made['id']}")).status_code == 204
        assert (await program.get("/cameras")).status_code == 401
    assert (await owner.delete(f"/tokens/{made['id']}")).status_code == 404
    stored = (stand.state / "api.db").read_bytes() + (stand.state / "api.db-wal").read_bytes()
    assert made["token"].encode() not in stored
    assert PASSWORD.encode() not in stored
    assert b"$argon2id$" in stored


async def test_the_last_admin_stays(owner: httpx.AsyncClient) -> None:
    assert (await owner.put("/users/owner", json={"role": "viewer"})).status_code == 409
    assert (await owner.delete("/users/owner")).status_code == 409
    made = {"name": "second", "password": "another long phrase", "role": "admin"}
    assert (await owner.post("/users", json=made)).status_code == 201
    assert (await owner.post("/users", json={**made, "name": "SECOND"})).status_code == 409
    assert (await owner.put("/users/owner", json={"role": "viewer"})).status_code == 200
    assert (await owner.get("/users")).status_code == 403, "rights change at once"
