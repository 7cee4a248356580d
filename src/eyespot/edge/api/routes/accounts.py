"""Accounts (admins only) and bearer tokens (one's own)."""

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from eyespot.edge.api.deps import Admin, Caller, Needs
from eyespot.edge.api.passwords import check_password
from eyespot.edge.api.shapes import (
    MadeToken,
    NewToken,
    NewUser,
    TokenAnswer,
    TokensAnswer,
    UserAnswer,
    UserChange,
    UsersAnswer,
)
from eyespot.edge.api.store_accounts import User
from eyespot.kernel.errors import EyespotError, Kind

router = APIRouter(tags=["accounts"])

UserName = Annotated[str, Path(min_length=1, max_length=64)]
TokenId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/users", operation_id="listUsers")
async def list_users(_admin: Admin, deps: Needs) -> UsersAnswer:
    """All accounts."""
    return UsersAnswer(users=[_user(user) for user in deps.auth.store.users()])


@router.post("/users", operation_id="addUser", status_code=201)
async def add_user(body: NewUser, _admin: Admin, deps: Needs) -> UserAnswer:
    """Make an account."""
    cameras = None if body.cameras is None else frozenset(body.cameras)
    await deps.auth.new_account(body.name, body.role, body.password, cameras)
    return _user(_known(deps.auth.store.user(body.name)))


@router.put("/users/{name}", operation_id="changeUser")
async def change_user(name: UserName, body: UserChange, _admin: Admin, deps: Needs) -> UserAnswer:
    """Set role and cameras of an account, and its password when one is given."""
    cameras = None if body.cameras is None else frozenset(body.cameras)
    if body.password is not None:
        check_password(body.password, name)
    await asyncio.to_thread(deps.auth.store.change_user, name, body.role, cameras)
    if body.password is not None:
        await deps.auth.reset_password(name, body.password)
    return _user(_known(deps.auth.store.user(name)))


@router.delete("/users/{name}", operation_id="removeUser", status_code=204)
async def remove_user(name: UserName, _admin: Admin, deps: Needs) -> None:
    """Remove an account with its sessions and tokens; the last admin stays."""
    await asyncio.to_thread(deps.auth.store.remove_user, name)


@router.get("/tokens", operation_id="listTokens")
async def list_tokens(caller: Caller, deps: Needs) -> TokensAnswer:
    """One's own bearer tokens."""
    return TokensAnswer(tokens=[TokenAnswer(**asdict(token)) for token in deps.auth.store.tokens(caller.name)])


@router.post("/tokens", operation_id="addToken", status_code=201)
async def add_token(body: NewToken, caller: Caller, deps: Needs) -> MadeToken:
    """Make a bearer token; its secret is in this answer and nowhere else."""
    role = body.role or caller.role
    if role == "admin":
        caller.need_admin()
    token, secret = await asyncio.to_thread(
        deps.auth.store.add_token, caller.name, body.name, role, deps.clock.wall_ns()
    )
    return MadeToken(**asdict(token), token=secret)


@router.delete("/tokens/{token_id}", operation_id="removeToken", status_code=204)
async def remove_token(token_id: TokenId, caller: Caller, deps: Needs) -> None:
    """Remove one of one's own tokens."""
    await asyncio.to_thread(deps.auth.store.remove_token, caller.name, token_id)


def _user(user: User) -> UserAnswer:
    cameras = None if user.cameras is None else sorted(user.cameras)
    return UserAnswer(name=user.name, role=user.role, cameras=cameras, created_ns=user.created_ns)


def _known(user: User | None) -> User:
    if user is None:
        raise EyespotError(Kind.CONFLICT, "The account was removed meanwhile.", "List the accounts again.")
    return user
