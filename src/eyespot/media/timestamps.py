"""Timestamps that readers can trust: decode time never goes back and never leaps, whatever the camera sends.

A decision without I/O. Rules, for each packet in arrival order:

1. Within a track, decode time rises. A step back of up to ``SMALL_NS`` is a disordered packet: its times are moved up
   to just after the packet before it.
2. A bigger step back, or a step forward of more than ``LEAP_NS`` beyond the time that really passed between the two
   arrivals, is a new time line: from here on all tracks are shifted together so that the time line goes on.
3. Presentation time keeps its distance to decode time; a distance below zero or above ``REORDER_NS`` is set to zero.
"""

from dataclasses import replace

from eyespot.contracts.packet import Packet
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S

SMALL_NS = 1 * NS_PER_S
LEAP_NS = 10 * NS_PER_S
REORDER_NS = 5 * NS_PER_S
STEP_NS = 1 * NS_PER_MS


class TimestampRepair:
    """Repairs one stream between two formats; ``repaired`` counts disordered packets, ``leaps`` new time lines."""

    def __init__(self) -> None:
        self.repaired = 0
        self.leaps = 0
        self.reset()

    def reset(self) -> None:
        """A new format begins: forget the time line, keep the counters."""
        self._shift_ns = 0
        self._last: dict[str, Packet] = {}
        self._last_arrival_ns = 0

    def repair(self, packet: Packet, arrival_ns: int) -> Packet:
        """``packet`` itself when its times are sound, else a copy with repaired times."""
        before = self._last.get(packet.track)
        decode_ns = packet.decode_ns + self._shift_ns
        if before is not None:
            decode_ns = self._follow(before, packet, decode_ns, arrival_ns)
        distance_ns = packet.capture_ns - packet.decode_ns
        if not 0 <= distance_ns <= REORDER_NS:
            distance_ns = 0
            self.repaired += 1
        if decode_ns != packet.decode_ns or decode_ns + distance_ns != packet.capture_ns:
            packet = replace(packet, decode_ns=decode_ns, capture_ns=decode_ns + distance_ns)
        self._last[packet.track] = packet
        self._last_arrival_ns = arrival_ns
        return packet

    def _follow(self, before: Packet, packet: Packet, decode_ns: int, arrival_ns: int) -> int:
        """A sound decode time after ``before``, given the shifted one."""
        step_ns = decode_ns - before.decode_ns
        passed_ns = max(0, arrival_ns - self._last_arrival_ns)
        if step_ns > LEAP_NS + passed_ns or step_ns < -SMALL_NS:
            self.leaps += 1
            expected_ns = before.decode_ns + (before.duration_ns or 40 * NS_PER_MS)
            self._shift_ns = expected_ns - packet.decode_ns
            return expected_ns
        if step_ns <= 0:
            self.repaired += 1
            return before.decode_ns + STEP_NS
        return decode_ns
