"""One camera stream kept alive: opens its sensor, feeds its hub, and opens it again whenever it fails.

Owns reconnecting, stall detection and timestamp repair; the sensor owns the protocol. A source that can never work as
configured is tried again too, at the longest pause, because cameras get fixed while nobody restarts anything.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Literal, cast

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.hal.sensors.contract import Sensor
from eyespot.kernel.clock import NS_PER_S, Clock, from_seconds
from eyespot.kernel.errors import EyespotError, Kind, unavailable
from eyespot.media.hub import Hub
from eyespot.media.timestamps import TimestampRepair

log = logging.getLogger(__name__)

State = Literal["connecting", "live", "stalled", "backoff", "failed", "ended"]
OnState = Callable[[State, EyespotError | None], None]

FIRST_PAUSE_S, LONGEST_PAUSE_S, LEAST_PAUSE_S = 1.0, 60.0, 0.2
HEALTHY_S = 30.0
MAX_PACKET_BYTES = 16 << 20


class Ingest:
    """Feeds one hub from one sensor, for as long as the process lives. A ``Service``.

    Args:
        camera, stream: names, for logs and status.
        open_sensor: makes a fresh sensor for each attempt.
        hub: where units go.
        clock: paces back-off and stall detection.
        stall_s: without a packet for half of this the state is ``stalled``; for all of it the sensor is opened again.
        once: the source has an end (a file that does not loop): close the hub there and return.
        uniform: a random number from 0 to 1, for the jitter.
        on_state: told of every change of state, with the error that caused it.
    """

    def __init__(
        self,
        camera: str,
        stream: str,
        open_sensor: Callable[[], Sensor],
        hub: Hub,
        clock: Clock,
        *,
        stall_s: float = 10.0,
        once: bool = False,
        uniform: Callable[[], float] = random.random,
        on_state: OnState | None = None,
    ) -> None:
        self.name = f"ingest {camera}/{stream}"
        self._open_sensor = open_sensor
        self._hub = hub
        self._clock = clock
        self._stall_ns = from_seconds(stall_s)
        self._once = once
        self._uniform = uniform
        self._on_state = on_state
        self._state: State = "connecting"
        self._error: EyespotError | None = None
        self._format: StreamFormat | None = None
        self._repair = TimestampRepair()
        self._sensor: Sensor | None = None
        self._packets = self._frames = self._bytes = self._reconnects = self._formats = self._oversized = 0
        self._last_packet_ns = self._heard_ns = self._live_since_ns = 0

    @property
    def state(self) -> State:
        """What the stream is doing now."""
        return self._state

    def status(self) -> dict[str, Any]:
        video = self._format.video if self._format else None
        return {
            "state": self._state,
            "packets": self._packets,
            "frames": self._frames,
            "bytes": self._bytes,
            "reconnects": self._reconnects,
            "formats": self._formats,
            "last_packet_ns": self._last_packet_ns,
            "repaired_timestamps": self._repair.repaired,
            "timestamp_leaps": self._repair.leaps,
            "oversized_packets": self._oversized,
            "error": str(self._error) if self._error else None,
            "codec": video.codec if video else None,
            "width_px": video.width_px if video else None,
            "height_px": video.height_px if video else None,
            "source": self._sensor.name if self._sensor else None,
            "sensor": self._sensor.counters() if self._sensor else {},
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Feed the hub until ``stop``, or until the source ends when it may end."""
        work = asyncio.create_task(self._attempts(), name=self.name)
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            work.cancel()
            outcome = (await asyncio.gather(work, return_exceptions=True))[0]
        if isinstance(outcome, Exception):
            raise outcome

    async def _attempts(self) -> None:
        failures = 0
        while True:
            self._enter("connecting", None)
            error = await self._attempt()
            if error is None and self._once:
                self._enter("ended", None)
                self._hub.close()
                return
            error = error or unavailable("The source ended the stream.")
            if self._was_healthy():
                failures = 0
            await self._pause(error, failures)
            failures += 1
            self._reconnects += 1

    async def _attempt(self) -> EyespotError | None:
        """Open the sensor and pump it until it ends or fails; the error, None when it ended."""
        self._heard_ns = self._clock.monotonic_ns()
        self._live_since_ns = 0
        pump = asyncio.create_task(self._pump())
        watch = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({pump, watch}, return_when=asyncio.FIRST_COMPLETED)
            for task in (pump, watch):
                if task.done() and (error := task.exception()) is not None:
                    return _as_eyespot(error)
            return None
        finally:
            pump.cancel()
            watch.cancel()
            await asyncio.gather(pump, watch, return_exceptions=True)

    async def _pump(self) -> None:
        self._sensor = self._open_sensor()
        self._repair.reset()
        async with aclosing(cast(Any, self._sensor.units())) as units:
            async for unit in units:
                if isinstance(unit, Packet):
                    await self._take(unit)
                else:
                    self._format = unit
                    self._formats += 1
                    self._repair.reset()
                    await self._hub.publish_wait(unit)

    async def _take(self, packet: Packet) -> None:
        now_ns = self._clock.monotonic_ns()
        self._heard_ns = now_ns
        if len(packet.data) > MAX_PACKET_BYTES:
            self._oversized += 1
            return
        packet = self._repair.repair(packet, now_ns)
        self._packets += 1
        self._frames += packet.track == "video"
        self._bytes += len(packet.data)
        self._last_packet_ns = now_ns
        if self._state != "live":
            self._live_since_ns = self._live_since_ns or now_ns
            self._enter("live", None)
        await self._hub.publish_wait(packet)
        self._heard_ns = self._clock.monotonic_ns()

    async def _watch(self) -> None:
        """Say ``stalled`` at half of the stall time and raise at all of it."""
        while True:
            silent_ns = self._clock.monotonic_ns() - self._heard_ns
            if self._is_preparing() or self._hub.is_waiting:
                self._heard_ns = self._clock.monotonic_ns()
                silent_ns = 0
            if silent_ns >= self._stall_ns:
                raise unavailable(
                    f"No packet for {silent_ns / NS_PER_S:.0f} s.", "Check the camera's power and network."
                )
            if silent_ns * 2 >= self._stall_ns and self._state == "live":
                self._enter("stalled", None)
            half_ns = self._stall_ns // 2
            left_ns = (half_ns if silent_ns < half_ns else self._stall_ns) - silent_ns
            await self._clock.sleep(left_ns / NS_PER_S)

    def _is_preparing(self) -> bool:
        """True while the sensor encodes its file for the first time."""
        return self._sensor is not None and self._sensor.counters().get("encoded", 1.0) < 1.0

    def _was_healthy(self) -> bool:
        return self._live_since_ns > 0 and self._last_packet_ns - self._live_since_ns > from_seconds(HEALTHY_S)

    async def _pause(self, error: EyespotError, failures: int) -> None:
        """Exponential back-off with full jitter; what cannot help itself waits the longest."""
        hopeless = error.kind in (Kind.INVALID, Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.NOT_FOUND)
        limit_s = LONGEST_PAUSE_S if hopeless else min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 16))
        pause_s = limit_s if hopeless else max(LEAST_PAUSE_S, limit_s * self._uniform())
        log.log(error.kind.value.log_level, "%s: %s Trying again in %.1f s.", self.name, error, pause_s)
        self._enter("failed" if hopeless else "backoff", error)
        await self._clock.sleep(pause_s)

    def _enter(self, state: State, error: EyespotError | None) -> None:
        if error is not None or state == "live":
            self._error = error
        if state == self._state and error is None:
            return
        self._state = state
        if self._on_state is not None:
            self._on_state(state, error)


def _as_eyespot(error: BaseException) -> EyespotError:
    """Whatever a sensor raised, as an error to show: a bug in one sensor must not end the other cameras."""
    if isinstance(error, EyespotError):
        return error
    log.error("a sensor failed unexpectedly", exc_info=error)
    return EyespotError(Kind.INTERNAL, f"The sensor failed: {type(error).__name__}.", "See the log.")
