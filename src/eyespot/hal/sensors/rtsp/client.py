"""The RTSP sensor: a camera's session as an asynchronous stream of units.

Owns which tracks are taken and the rhythm of keep-alives and reports. The conversation is ``session``'s, what arrives
is ``receiver``'s.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from eyespot.contracts.packet import Unit
from eyespot.hal.sensors.rtsp import address as addresses
from eyespot.hal.sensors.rtsp import sdp
from eyespot.hal.sensors.rtsp.depacketize_aac import audio_format
from eyespot.hal.sensors.rtsp.receiver import Receiver
from eyespot.hal.sensors.rtsp.session import Channels, RtspSettings, Session
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import EyespotError, invalid

READ_EVERY_S = 0.047
"""Grid of reads: no multiple of common frame intervals, so that arrivals are seen at every phase of a frame."""
REPORT_EVERY_S = 10.0


class RtspSensor:
    """One camera stream over RTSP and TCP.

    Args:
        source: ``rtsp://`` or ``rtsps://`` address, credentials allowed; raises ``INVALID`` when it does not parse.
        settings: ``audio`` and ``stall_s`` are read.
        clock: time.
        read_every_s: how often to look for bytes; 0 looks as they come (see ``connection``).
        fingerprint: SHA-256 of the camera's TLS certificate in hexadecimal digits, to trust it and no other.
    """

    def __init__(
        self,
        source: str,
        settings: RtspSettings,
        clock: Clock,
        *,
        read_every_s: float = READ_EVERY_S,
        fingerprint: str = "",
    ) -> None:
        self._address = addresses.parse(source)
        self._settings = settings
        self._clock = clock
        self._read_every_s = read_every_s
        self._fingerprint = fingerprint
        self._totals: dict[str, int] = {}
        self._receiver: Receiver | None = None

    @property
    def name(self) -> str:
        """``rtsp`` and the address without credentials or query."""
        return f"rtsp {self._address.public}"

    def counters(self) -> dict[str, Any]:
        """Counters over all connections of this sensor, see ``Receiver.counters``."""
        current = self._receiver.counters() if self._receiver is not None else {}
        return {key: self._totals.get(key, 0) + current.get(key, 0) for key in {**self._totals, **current}}

    async def units(self) -> AsyncIterator[Unit]:
        """See ``contract.Sensor.units``."""
        receiver = Receiver(self._settings, self._clock)
        session = Session(self._address, lambda: receiver.connect(self._read_every_s), self._fingerprint)
        self._receiver = receiver
        watch: asyncio.Task[None] | None = None
        try:
            await self._start(session, receiver)
            watch = asyncio.create_task(self._watch(session, receiver))
            while True:
                for unit in receiver.take():
                    yield unit
                await receiver.wait()
        except EyespotError as error:
            raise _named(error, self._address.public) from error
        finally:
            if watch is not None:
                watch.cancel()
            self._totals, self._receiver = self.counters(), None
            receiver.stop()
            await session.leave()

    async def _start(self, session: Session, receiver: Receiver) -> None:
        await session.connect()
        description = await session.describe()
        video = _choose_video(description)
        await _set_up(session, receiver, video, Channels(0, 1))
        audio = next((track for track in description.tracks if track.codec == "aac"), None)
        if self._settings.audio and audio is not None and audio_format(audio) is not None:
            await _set_up(session, receiver, audio, Channels(2, 3))
        receiver.start()
        await session.play(description.control)

    async def _watch(self, session: Session, receiver: Receiver) -> None:
        """Notice stalls, keep the session alive, send receiver reports."""
        step_s = min(1.0, self._settings.stall_s / 4)
        now_ns = self._clock.monotonic_ns()
        next_keepalive_ns = now_ns + from_seconds(session.keepalive_s)
        next_report_ns = now_ns + from_seconds(REPORT_EVERY_S)
        try:
            while True:
                await self._clock.sleep(step_s)
                now_ns = self._clock.monotonic_ns()
                receiver.check_stall(now_ns)
                if now_ns >= next_report_ns:
                    next_report_ns = now_ns + from_seconds(REPORT_EVERY_S)
                    receiver.report(now_ns)
                if now_ns >= next_keepalive_ns:
                    next_keepalive_ns = now_ns + from_seconds(session.keepalive_s)
                    await session.keep_alive()
        except EyespotError as error:
            receiver.fail(error)


async def describe(source: str, settings: RtspSettings, clock: Clock, *, fingerprint: str = "") -> sdp.Description:
    """Ask the camera at ``source`` what it has; raises as ``RtspSensor.units`` does."""
    receiver = Receiver(settings, clock)
    session = Session(addresses.parse(source), lambda: receiver.connect(0), fingerprint)
    try:
        await session.connect()
        return await session.describe()
    finally:
        await session.leave()


def _choose_video(description: sdp.Description) -> sdp.Track:
    for track in description.tracks:
        if track.codec in ("h264", "h265"):
            return track
    offered = ", ".join(sorted({track.encoding for track in description.tracks if track.kind == "video"}))
    if offered:
        raise invalid(f"the camera offers {offered}, not H.264 or H.265.", "Choose H.264 or H.265 in the camera.")
    raise invalid("the camera offers no video here.", "Check the stream's path.")


async def _set_up(session: Session, receiver: Receiver, track: sdp.Track, wanted: Channels) -> None:
    receiver.add(track, await session.set_up(track, wanted))


def _named(error: EyespotError, public: str) -> EyespotError:
    """``error`` with the camera's address in front, unless it is there already."""
    what = error.what if error.what.startswith(public) else f"{public}: {error.what[:1].lower()}{error.what[1:]}"
    return EyespotError(error.kind, what, error.todo)
