"""The RTSP conversation: describe, set up, play, keep alive, leave (RFC 2326, section 10)."""

import asyncio
import hashlib
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from eyespot.hal.sensors.rtsp import messages, sdp
from eyespot.hal.sensors.rtsp.address import RtspAddress
from eyespot.hal.sensors.rtsp.auth import Authenticator
from eyespot.hal.sensors.rtsp.connection import Connection
from eyespot.kernel.errors import EyespotError, Kind, corrupt, invalid, unavailable

REQUEST_TIMEOUT_S = 10.0
DEFAULT_SESSION_S = 60
MIN_SESSION_S, MAX_SESSION_S = 4, 3600
_USER_AGENT = "Eyespot"
_MAX_AUTH_TRIES = 3


class RtspSettings(Protocol):
    """What the client reads from ``SensorSettings``."""

    @property
    def audio(self) -> bool:
        """Whether to set the audio track up as well."""
        ...

    @property
    def stall_s(self) -> float:
        """How long a stream may be silent before it counts as stalled."""
        ...


@dataclass(frozen=True, slots=True)
class Channels:
    """The interleaved channels a track was given."""

    rtp: int
    rtcp: int


class Session:
    """One RTSP session on one connection. Requests are answered challenges included."""

    def __init__(self, address: RtspAddress, make_connection: Callable[[], Connection], fingerprint: str = "") -> None:
        self._address = address
        self._make_connection = make_connection
        self._fingerprint = fingerprint.replace(":", "").lower()
        self._auth = Authenticator(address.username, address.password, lambda: secrets.token_hex(8))
        self._session = ""
        self._methods = ""
        self._base_url = address.url
        self.keepalive_s = DEFAULT_SESSION_S / 2
        self.connection: Connection | None = None

    async def connect(self) -> Connection:
        """Open the connection; raises ``UNAVAILABLE`` when it cannot be, ``FORBIDDEN`` for a wrong certificate."""
        address = self._address
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                _, connection = await asyncio.get_running_loop().create_connection(
                    self._make_connection, address.host, address.port, ssl=self._tls() if address.tls else None
                )
        except ssl.SSLCertVerificationError as error:
            raise EyespotError(
                Kind.FORBIDDEN,
                f"{address.public}: the camera's certificate is not trusted ({error.verify_message}).",
                "Pin its SHA-256 fingerprint in the camera's settings, or install its authority's certificate.",
            ) from error
        except TimeoutError as error:
            raise unavailable(
                f"{address.public}: no connection within {REQUEST_TIMEOUT_S:g} s.", "Check the address and the network."
            ) from error
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or type(error).__name__
            raise unavailable(
                f"{address.public}: no connection ({reason}).", "Check the address and the network."
            ) from error
        self.connection = connection
        self._check_fingerprint(connection)
        return connection

    async def describe(self) -> sdp.Description:
        """OPTIONS and DESCRIBE; raises as ``contract.Sensor.units`` says."""
        options = await self._request("OPTIONS", self._base_url, {}, accept=(200, 401, 403, 404, 405, 454, 501))
        self._methods = options.header("public").upper()
        response = await self._request("DESCRIBE", self._base_url, {"Accept": "application/sdp"})
        base = response.header("content-base") or response.header("content-location")
        if base.lower().startswith(("rtsp://", "rtsps://")) and base.isprintable() and " " not in base:
            self._base_url = _without_credentials(base)
        return sdp.parse(response.body, self._base_url)

    async def set_up(self, track: sdp.Track, wanted: Channels) -> Channels:
        """SETUP one track over this connection; the channels the camera chose."""
        transport = f"RTP/AVP/TCP;unicast;interleaved={wanted.rtp}-{wanted.rtcp}"
        response = await self._request("SETUP", track.control, {"Transport": transport})
        identity, _, options = response.header("session").partition(";")
        if not identity or len(identity) > 256 or not identity.isprintable():
            raise corrupt(f"{self._address.public}: the camera gave no usable session.")
        self._session = identity.strip()
        self._note_timeout(options)
        return _read_channels(response.header("transport"), wanted)

    async def play(self, control: str) -> None:
        """PLAY the whole session from now on."""
        await self._request("PLAY", control, {"Range": "npt=0.000-"})

    async def keep_alive(self) -> None:
        """Tell the camera that somebody is still there; raises ``UNAVAILABLE`` when it has forgotten the session."""
        method = "GET_PARAMETER" if "GET_PARAMETER" in self._methods else "OPTIONS"
        response = await self._request(method, self._base_url, {}, accept=range(200, 600))
        if response.status == 454:
            raise unavailable(f"{self._address.public}: the camera has forgotten the session.")
        if response.status >= 400:
            self._methods = ""

    async def leave(self) -> None:
        """TEARDOWN, as far as that is possible, and close."""
        connection = self.connection
        if connection is None:
            return
        try:
            if self._session and connection.error is None:
                async with asyncio.timeout(1.0):
                    await self._request("TEARDOWN", self._base_url, {}, accept=range(200, 600))
        except (EyespotError, TimeoutError):
            pass  # the camera is gone or does not care: closing is all that is left
        finally:
            connection.close()

    async def _request(
        self, method: str, url: str, headers: dict[str, str], accept: "tuple[int, ...] | range" = (200,)
    ) -> messages.Response:
        assert self.connection is not None
        for _ in range(_MAX_AUTH_TRIES):
            response = await self.connection.request(
                method, url, self._headers(method, url, headers), REQUEST_TIMEOUT_S
            )
            if response.status != 401 or not self._auth.challenged(response.headers.get("www-authenticate", ())):
                break
        if response.status in accept:
            return response
        raise self._refusal(method, response)

    def _headers(self, method: str, url: str, headers: dict[str, str]) -> dict[str, str]:
        found = {"User-Agent": _USER_AGENT, **headers}
        if self._session:
            found["Session"] = self._session
        authorization = self._auth.header(method, url)
        if authorization:
            found["Authorization"] = authorization
        return found

    def _refusal(self, method: str, response: messages.Response) -> EyespotError:
        public, status = self._address.public, response.status
        if status == 401:
            had = (
                "the camera refuses these credentials" if self._auth.has_credentials else "the camera wants credentials"
            )
            todo = "Write user and password into the camera's address: rtsp://user:password@host/path."
            return EyespotError(Kind.UNAUTHENTICATED, f"{public}: {had}.", todo)
        if status == 403:
            return EyespotError(Kind.FORBIDDEN, f"{public}: the camera forbids it.", "Check the user's rights there.")
        if 300 <= status < 400:
            return invalid(f"{public}: the camera sends the client elsewhere.", "Use the stream's real address.")
        what = f"{public}: {method} was answered with {status} {response.reason}."
        if status in (404, 454, 455, 461, 459, 460):
            return invalid(what, "Check the stream's path; transport must be TCP-capable.")
        return unavailable(what)

    def _note_timeout(self, options: str) -> None:
        for option in options.split(";"):
            name, _, value = option.strip().partition("=")
            if name.lower() == "timeout" and value.isascii() and value.isdigit() and len(value) < 8:
                self.keepalive_s = min(max(int(value), MIN_SESSION_S), MAX_SESSION_S) / 2

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._fingerprint:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _check_fingerprint(self, connection: Connection) -> None:
        if not self._fingerprint:
            return
        found = hashlib.sha256(connection.peer_certificate()).hexdigest()
        if not secrets.compare_digest(found, self._fingerprint):
            connection.close()
            raise EyespotError(
                Kind.FORBIDDEN,
                f"{self._address.public}: the camera shows another certificate than the pinned one ({found}).",
                "If the camera's certificate was renewed, pin the new fingerprint.",
            )


def _read_channels(transport: str, wanted: Channels) -> Channels:
    for option in transport.split(";"):
        name, _, value = option.strip().partition("=")
        first, _, second = value.partition("-")
        if name.lower() == "interleaved" and first.isascii() and first.isdigit() and len(first) < 4:
            rtp = int(first)
            rtcp = int(second) if second.isascii() and second.isdigit() and len(second) < 4 else rtp + 1
            if rtp < 255 and rtcp < 256 and rtp != rtcp:
                return Channels(rtp, rtcp)
    return wanted


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
