"""The test camera's side of an RTSP connection: requests in, responses and packets out (RFC 2326)."""

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from eyespot.hal.sensors.rtsp import messages
from eyespot.kernel.errors import EyespotError
from eyespot.testing.rtsp_live import LivePath

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
}
_FIELD = re.compile(r'(\w+)="?([^",]*)"?')


@dataclass
class Access:
    """Who may read; shared by all connections."""

    username: str
    password: str
    algorithm: str
    session_s: int
    nonce: str
    refuse: bool = False
    accepted: int = 0
    requests: Counter[str] = field(default_factory=Counter)

    def challenges(self, *, stale: bool) -> list[str]:
        """The ``WWW-Authenticate`` values of a 401."""
        if self.algorithm == "Basic":
            return ['Basic realm="camera"']
        algorithm = "" if self.algorithm == "MD5" else f', algorithm={self.algorithm}, qop="auth"'
        return [f'Digest realm="camera", nonce="{self.nonce}"{algorithm}{", stale=true" if stale else ""}']

    def check(self, authorization: str, method: str) -> tuple[bool, bool]:
        """Whether a request may pass, and whether its nonce is stale."""
        if self.refuse:
            return False, False
        if not self.username:
            return True, False
        if self.algorithm == "Basic":
            expected = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            return authorization == f"Basic {expected}", False
        fields = dict(_FIELD.findall(authorization))
        if fields.get("nonce") != self.nonce:
            return False, bool(fields)
        hashed = hashlib.sha256 if self.algorithm == "SHA-256" else hashlib.md5

        def digest(text: str) -> str:
            return hashed(text.encode()).hexdigest()

        middle = f"{fields['nc']}:{fields.get('cnonce', '')}:auth:" if "nc" in fields else ""
        secret = digest(f"{self.username}:camera:{self.password}")
        request = digest(f"{method}:{fields.get('uri', '')}")
        return fields.get("response") == digest(f"{secret}:{self.nonce}:{middle}{request}"), False


class ServerSide(asyncio.Protocol):
    """One reader's connection."""

    def __init__(self, paths: Mapping[str, LivePath], access: Access, connections: "set[ServerSide]") -> None:
        self._paths = paths
        self._access = access
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._live: LivePath | None = None
        self._channels: dict[int, int] = {}
        self._datagrams: dict[int, tuple[socket.socket, socket.socket, tuple[str, int]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=32 << 20)
        self._connections.add(self)
        self._access.accepted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._stop()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            if self._buffer[:1] == b"$":
                length = 4 + int.from_bytes(self._buffer[2:4], "big")
                if len(self._buffer) < length:
                    return
                self._buffer = self._buffer[length:]
                continue
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                if len(self._buffer) > messages.MAX_HEAD_BYTES:
                    self.cut()
                return
            try:
                parsed = messages.read_head(head)
            except EyespotError:
                self.cut()
                return
            if len(rest) < parsed.body_bytes:
                return
            self._buffer = rest[parsed.body_bytes :]
            self._answer(parsed)

    def cut(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # -- live's side

    def channel(self, track: int) -> int:
        return self._channels.get(track, -1)

    def send(self, track: int, data: bytes) -> None:
        if track in self._datagrams:
            self._send_datagrams(track, data)
        elif self._transport is not None:
            self._transport.write(data)

    def _send_datagrams(self, track: int, data: bytes) -> None:
        """Interleaved packets, each as a datagram of its own; what the kernel refuses is lost."""
        rtp, rtcp, (host, port) = self._datagrams[track]
        at = 0
        while at + 4 <= len(data):
            stop = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")
            odd = data[at + 1] & 1
            with contextlib.suppress(OSError):
                (rtcp if odd else rtp).sendto(data[at + 4 : stop], (host, port + odd))
            at = stop

    def behind_bytes(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    # -- requests

    def _answer(self, head: messages.Head) -> None:
        method, _, rest = head.start_line.partition(" ")
        url = rest.partition(" ")[0]
        self._access.requests[method[:32]] += 1
        headers = {name: values[0] for name, values in head.headers.items()}
        passed, stale = self._access.check(headers.get("authorization", ""), method)
        if not passed and method != "OPTIONS":
            challenges = [("WWW-Authenticate", value) for value in self._access.challenges(stale=stale)]
            self._respond(401, headers, challenges)
            return
        if method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER"):
            self._respond(200, headers, [("Public", _METHODS)])
        elif method == "TEARDOWN":
            self._respond(200, headers, [])
            self._stop()
        elif method in ("DESCRIBE", "SETUP", "PLAY"):
            self._answer_media(method, url, headers)
        else:
            self._respond(501, headers, [])

    def _answer_media(self, method: str, url: str, headers: dict[str, str]) -> None:
        name, _, track = urlsplit(url).path.rstrip("/").partition("/track")
        live = self._paths.get(name)
        if live is None:
            self._respond(404, headers, [])
        elif method == "DESCRIBE":
            body = self._describe(live).encode()
            base = f"{url.split('?')[0].rstrip('/')}/"
            self._respond(200, headers, [("Content-Base", base), ("Content-Type", "application/sdp")], body)
        elif method == "SETUP":
            self._set_up(live, int(track) if track.isdigit() else 0, headers)
        elif not self._channels:
            self._respond(455, headers, [])
        else:
            self._play(live, url, headers)

    def _describe(self, live: LivePath) -> str:
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=Test camera", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
        for index, track in enumerate(live.tracks):
            lines += [*track.description, f"a=control:track{index}"]
        return "\r\n".join(lines) + "\r\n"

    def _set_up(self, live: LivePath, track: int, headers: dict[str, str]) -> None:
        transport = headers.get("transport", "")
        found = re.search(r"interleaved=(\d{1,3})-(\d{1,3})", transport)
        ports = re.search(r"client_port=(\d{1,5})-(\d{1,5})", transport)
        rtp = int(found[1]) if found else 2 * track
        if track >= len(live.tracks) or "multicast" in transport or rtp > 254:
            self._respond(461, headers, [])
            return
        answer = f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtp + 1}"
        if "TCP" not in transport:
            if ports is None or not 0 < int(ports[1]) < 65535:
                self._respond(461, headers, [])
                return
            answer = self._open_datagrams(track, int(ports[1]))
            rtp = 2 * track
        self._channels[track] = rtp
        session = f"{id(self):x};timeout={self._access.session_s}"
        self._respond(200, headers, [("Transport", answer), ("Session", session)])

    def _open_datagrams(self, track: int, client_port: int) -> str:
        """A pair of UDP sockets for a track; the Transport value that names them."""
        assert self._transport is not None
        host = self._transport.get_extra_info("sockname")[0]
        peer = self._transport.get_extra_info("peername")[0]
        pair = []
        for _ in range(2):
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.setblocking(False)
            opened.bind((host, 0))
            pair.append(opened)
        self._datagrams[track] = (pair[0], pair[1], (peer, client_port))
        ports = f"{pair[0].getsockname()[1]}-{pair[1].getsockname()[1]}"
        return f"RTP/AVP;unicast;client_port={client_port}-{client_port + 1};server_port={ports}"

    def _play(self, live: LivePath, url: str, headers: dict[str, str]) -> None:
        self._live = live
        self._respond(200, headers, [("Session", f"{id(self):x}"), ("Range", "npt=now-")])
        live.join(self)

    def _stop(self) -> None:
        if self._live is not None:
            self._live.leave(self)
            self._live = None
        for rtp, rtcp, _ in self._datagrams.values():
            rtp.close()
            rtcp.close()
        self._datagrams.clear()

    def _respond(self, status: int, headers: dict[str, str], extra: list[tuple[str, str]], body: bytes = b"") -> None:
        lines = [f"RTSP/1.0 {status} {_REASONS[status]}", f"CSeq: {headers.get('cseq', '0')}"]
        lines += [f"{name}: {value}" for name, value in extra]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        if self._transport is not None:
            self._transport.write("\r\n".join([*lines, "", ""]).encode() + body)
