"""Who is calling: sign-in, sessions, bearer tokens, and what a principal may do. Knows nothing of HTTP routes."""

import asyncio
import hashlib
import hmac
import logging
import re
from dataclasses import dataclass

from eyespot.edge.api.passwords import Passwords, check_password
from eyespot.edge.api.store_accounts import AccountStore, Role, User, secret_hash
from eyespot.edge.api.throttle import LoginThrottle
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found

log = logging.getLogger(__name__)

_USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")
_TOUCH_NS = 300 * NS_PER_S
_MAX_SECRET_CHARS = 128


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Attributes:
        name: account name.
        role: what it may do; a bearer token may have less than its account.
        cameras: ids of the cameras it may see, None for all.
        secret_hash: hash of the session's or token's secret, to find out later whether it still holds.
        csrf: what a request that changes something must repeat; None for bearer tokens, which browsers never add.
    """

    name: str
    role: Role
    cameras: frozenset[str] | None
    secret_hash: bytes
    csrf: str | None

    def may_see(self, camera: str) -> bool:
        """True when footage, events and state of ``camera`` may be shown to it."""
        return self.cameras is None or camera in self.cameras

    def need_camera(self, camera: str) -> None:
        """Raise ``NOT_FOUND`` for a camera it may not see: that it exists is not told either."""
        if not self.may_see(camera):
            raise no_camera(camera)

    def need_admin(self) -> None:
        """Raise ``FORBIDDEN`` unless it is an admin."""
        if self.role != "admin":
            raise EyespotError(Kind.FORBIDDEN, "Only an admin may do this.", "Ask an admin, or sign in as one.")


def no_camera(camera: str) -> EyespotError:
    """There is no such camera, as far as the caller can tell."""
    return not_found(f"There is no camera {camera[:64]!r}.", "List the cameras to see their ids.")


def unauthenticated() -> EyespotError:
    """The caller did not say who it is, or what it said holds no longer."""
    return EyespotError(Kind.UNAUTHENTICATED, "Nobody is signed in.", "Sign in, or send a bearer token.")


def check_username(name: str) -> None:
    """Raise ``INVALID`` for a name that is not 1 to 64 letters, digits or ``. _ @ -``."""
    if not _USERNAME.fullmatch(name):
        raise invalid("A user name is 1 to 64 letters, digits or . _ @ -, and begins and ends with a letter or digit.")


class Auth:
    """Signs people and programs in and says who a secret belongs to."""

    def __init__(self, store: AccountStore, passwords: Passwords, clock: Clock) -> None:
        self.store = store
        self._passwords = passwords
        self._clock = clock
        self._throttle = LoginThrottle(clock)

    async def sign_in(self, name: str, password: str, address: str) -> tuple[Principal, str]:
        """A new session and its secret.

        Raises:
            EyespotError: ``UNAUTHENTICATED`` alike for a wrong name and a wrong password, ``THROTTLED``.
        """
        self._throttle.begin(name, address)
        user = self.store.user(name)
        if not await self._passwords.matches(password, user.password if user else None) or user is None:
            log.warning("audit: sign-in failed from %s", address)
            raise EyespotError(Kind.UNAUTHENTICATED, "User name or password is wrong.", "Check both and try again.")
        self._throttle.succeeded(name, address)
        log.info("audit: %s signed in from %s", user.name, address)
        return await self._open(user)

    async def first_account(self, name: str, password: str) -> tuple[Principal, str]:
        """Make the first account and sign it in; raises ``CONFLICT`` when somebody else was first, ``INVALID``."""
        check_username(name)
        check_password(password, name)
        encoded = await self._passwords.hash(password)
        if not await asyncio.to_thread(self.store.add_first_user, name, encoded, self._clock.wall_ns()):
            raise EyespotError(Kind.CONFLICT, "This camera is already set up.", "Sign in instead.")
        log.info("audit: first account %s made", name)
        user = self.store.user(name)
        if user is None:
            raise unauthenticated()
        return await self._open(user)

    async def new_account(self, name: str, role: Role, password: str, cameras: frozenset[str] | None) -> None:
        """Make a further account; raises ``INVALID``, ``CONFLICT`` and ``EXHAUSTED``."""
        check_username(name)
        check_password(password, name)
        encoded = await self._passwords.hash(password)
        await asyncio.to_thread(self.store.add_user, name, role, encoded, cameras, self._clock.wall_ns())
        log.info("audit: account %s (%s) made", name, role)

    async def change_password(self, principal: Principal, current: str, new: str, address: str) -> None:
        """Change the caller's password; its other sessions end. Raises ``FORBIDDEN``, ``INVALID``, ``THROTTLED``."""
        self._throttle.begin(principal.name, address)
        user = self.store.user(principal.name)
        if not await self._passwords.matches(current, user.password if user else None):
            raise EyespotError(Kind.FORBIDDEN, "The current password is wrong.", "Check it and try again.")
        self._throttle.succeeded(principal.name, address)
        check_password(new, principal.name)
        encoded = await self._passwords.hash(new)
        await asyncio.to_thread(self.store.set_password, principal.name, encoded, keep_session=principal.secret_hash)
        log.info("audit: %s changed the password", principal.name)

    async def reset_password(self, name: str, new: str) -> None:
        """Give another account a new password; all its sessions end. Raises ``INVALID`` and ``NOT_FOUND``."""
        check_password(new, name)
        encoded = await self._passwords.hash(new)
        await asyncio.to_thread(self.store.set_password, name, encoded, keep_session=None)
        log.info("audit: password of %s reset", name)

    async def by_session(self, secret: str) -> Principal | None:
        """Whose live session ``secret`` is."""
        if not 0 < len(secret) <= _MAX_SECRET_CHARS:
            return None
        hash_, now_ns = secret_hash(secret), self._clock.wall_ns()
        found = self.store.session_user(hash_, now_ns)
        if found is None:
            return None
        user, seen_ns = found
        if now_ns - seen_ns > _TOUCH_NS:
            await asyncio.to_thread(self.store.touch_session, hash_, now_ns)
        return Principal(user.name, user.role, user.cameras, hash_, csrf_of(secret))

    async def by_token(self, secret: str) -> Principal | None:
        """Whose bearer token ``secret`` is."""
        if not 0 < len(secret) <= _MAX_SECRET_CHARS:
            return None
        hash_, now_ns = secret_hash(secret), self._clock.wall_ns()
        found = self.store.token_user(hash_)
        if found is None:
            return None
        user, token = found
        if token.last_used_ns is None or now_ns - token.last_used_ns > _TOUCH_NS:
            await asyncio.to_thread(self.store.touch_token, token.id, now_ns)
        role: Role = "admin" if user.role == token.role == "admin" else "viewer"
        return Principal(user.name, role, user.cameras, hash_, None)

    def still_holds(self, principal: Principal) -> bool:
        """False once the session ended, the token was removed, or rights were changed."""
        if principal.csrf is None:
            found = self.store.token_user(principal.secret_hash)
            return found is not None and found[0].cameras == principal.cameras
        session = self.store.session_user(principal.secret_hash, self._clock.wall_ns())
        return session is not None and (session[0].role, session[0].cameras) == (principal.role, principal.cameras)

    async def _open(self, user: User) -> tuple[Principal, str]:
        secret = await asyncio.to_thread(self.store.open_session, user.name, self._clock.wall_ns())
        return Principal(user.name, user.role, user.cameras, secret_hash(secret), csrf_of(secret)), secret


def csrf_of(session_secret: str) -> str:
    """The CSRF token that belongs to a session: derived, so it needs no storage, and useless without the cookie."""
    return hmac.new(session_secret.encode(), b"csrf", hashlib.sha256).hexdigest()[:32]
