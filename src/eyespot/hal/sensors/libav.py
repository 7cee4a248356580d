"""Streams read by libav: RTSP over UDP, HTTP and HLS. In a thread, with time limits, never more than asked for.

The project's own RTSP client is the better choice for RTSP over TCP. Codecs other than H.264 and H.265 are encoded
live. Addresses are allow-listed by scheme, and libav is held to the protocols that scheme needs, so a playlist of a
hostile server cannot make it read local files or run anything.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from eyespot.contracts.packet import Unit
from eyespot.hal.sensors.demux import Demuxer
from eyespot.hal.sensors.live_encode import Encoders
from eyespot.hal.sensors.live_read import LiveRead
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import invalid
from eyespot.kernel.log import mask_credentials

OPEN_TIMEOUT_S = 15.0
_PROTOCOLS = {
    "rtsp": "rtp,udp,tcp,rtsp",
    "rtsps": "rtp,srtp,udp,tcp,tls,rtsp,rtsps",
    "http": "http,tcp,hls,crypto",
    "https": "https,http,tls,tcp,hls,crypto",
}


class LibavSensor:
    """A network stream through libav.

    Raises:
        EyespotError: ``INVALID`` when the address is of a scheme that is not allowed.
    """

    def __init__(self, source: str, settings: SensorSettings, clock: Clock, encoders: Encoders | None = None) -> None:
        self._scheme = source.split("://", 1)[0].lower() if "://" in source else ""
        if self._scheme not in _PROTOCOLS:
            raise invalid(f"libav may not open '{self._scheme or mask_credentials(source)}' addresses.")
        self._source = source
        self._settings = settings
        self._read = LiveRead(self._open, clock, encoder=settings.encoder, encoders=encoders)

    @property
    def name(self) -> str:
        return f"libav {mask_credentials(self._source)}"

    def counters(self) -> dict[str, Any]:
        return {"corrupt": self._read.corrupt, "encoded_live": self._read.encoded}

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``contract.Sensor``."""
        async with aclosing(self._read.units()) as units:
            async for unit in units:
                yield unit

    def _open(self) -> Demuxer:
        return Demuxer(
            self._source,
            audio=self._settings.audio,
            options=self._options(),
            timeout=(OPEN_TIMEOUT_S, self._settings.stall_s),
        )

    def _options(self) -> dict[str, str]:
        options = {"protocol_whitelist": _PROTOCOLS[self._scheme], "max_delay": "500000"}
        if self._scheme.startswith("rtsp"):
            options |= {"rtsp_transport": self._settings.transport, "timeout": str(int(OPEN_TIMEOUT_S * 1_000_000))}
        else:
            options |= {"rw_timeout": str(int(self._settings.stall_s * 1_000_000))}
        return options
