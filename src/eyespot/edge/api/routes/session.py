"""Set-up, sign-in, sign-out, and one's own password."""

from fastapi import APIRouter, Request, Response

from eyespot.edge.api.deps import Caller, Deps, Needs, address_of
from eyespot.edge.api.gate import cookie_name
from eyespot.edge.api.passwords import check_password
from eyespot.edge.api.principal import Principal, check_username
from eyespot.edge.api.shapes import (
    Health,
    PasswordChange,
    SessionAnswer,
    SessionUser,
    SetupRequest,
    SetupState,
    SignIn,
)
from eyespot.edge.api.store_accounts import SESSION_LONGEST_NS
from eyespot.kernel.clock import NS_PER_S

router = APIRouter(tags=["session"])


@router.get("/health", operation_id="getHealth")
async def health() -> Health:
    """Whether the process answers; says nothing else."""
    return Health()


@router.get("/setup", operation_id="getSetup")
async def setup_state(deps: Needs) -> SetupState:
    """Whether the first account is still to be made."""
    return SetupState(needed=deps.setup.value is not None)


@router.post("/setup", operation_id="setUp")
async def set_up(body: SetupRequest, request: Request, response: Response, deps: Needs) -> SessionAnswer:
    """Make the first account, an admin, with the token that the first start printed; works once."""
    deps.setup.check(body.token, address_of(request))
    check_username(body.username)
    check_password(body.password, body.username)
    principal, secret = await deps.auth.first_account(body.username, body.password)
    deps.setup.used()
    return _signed_in(principal, secret, response, deps)


@router.post("/session", operation_id="signIn")
async def sign_in(body: SignIn, request: Request, response: Response, deps: Needs) -> SessionAnswer:
    """Begin a session; sets the session cookie."""
    principal, secret = await deps.auth.sign_in(body.username, body.password, address_of(request))
    return _signed_in(principal, secret, response, deps)


@router.get("/session", operation_id="getSession")
async def who_am_i(caller: Caller) -> SessionAnswer:
    """Who is signed in, with the CSRF token of the session."""
    return _answer(caller)


@router.delete("/session", operation_id="signOut", status_code=204)
async def sign_out(caller: Caller, response: Response, deps: Needs) -> None:
    """End the session."""
    deps.auth.store.end_session(caller.secret_hash)
    response.delete_cookie(
        cookie_name(secure=deps.secure), path="/", secure=deps.secure, httponly=True, samesite="strict"
    )


@router.put("/session/password", operation_id="changePassword", status_code=204)
async def change_password(body: PasswordChange, caller: Caller, request: Request, deps: Needs) -> None:
    """Change one's own password; all other sessions of the account end."""
    await deps.auth.change_password(caller, body.current, body.new, address_of(request))


def _signed_in(principal: Principal, secret: str, response: Response, deps: Deps) -> SessionAnswer:
    response.set_cookie(
        cookie_name(secure=deps.secure),
        secret,
        max_age=SESSION_LONGEST_NS // NS_PER_S,
        path="/",
        secure=deps.secure,
        httponly=True,
        samesite="strict",
    )
    return _answer(principal)


def _answer(principal: Principal) -> SessionAnswer:
    cameras = None if principal.cameras is None else sorted(principal.cameras)
    return SessionAnswer(
        user=SessionUser(name=principal.name, role=principal.role, cameras=cameras), csrf=principal.csrf
    )
