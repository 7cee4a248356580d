"""The seconds before an event, kept in memory: bounded in time and bytes, always beginning with a key frame."""

from collections import deque

from eyespot.contracts.packet import Packet


class PrerollRing:
    """The newest packets of one format.

    Args:
        length_ns: at least this much is kept (and up to a group of pictures more), unless it passes ``max_bytes``.
        max_bytes: most payload kept; whole groups of pictures go first. A group that alone passes it is not kept.
    """

    def __init__(self, length_ns: int, max_bytes: int) -> None:
        self._length_ns = length_ns
        self._max_bytes = max_bytes
        self._packets: deque[Packet] = deque()
        self._key_times: deque[int] = deque()
        self._bytes = 0
        self.overflows = 0

    @property
    def size_bytes(self) -> int:
        """Payload kept now."""
        return self._bytes

    def push(self, packet: Packet) -> None:
        """Add the next packet."""
        if packet.track == "video" and packet.is_key:
            self._key_times.append(packet.decode_ns)
        if not self._key_times:
            return
        self._packets.append(packet)
        self._bytes += len(packet.data)
        oldest_ns = packet.decode_ns - self._length_ns
        while len(self._key_times) > 1 and self._key_times[1] <= oldest_ns:
            self._drop_group()
        while self._packets and self._bytes > self._max_bytes:
            self.overflows += 1
            self._drop_group()

    def drain(self) -> list[Packet]:
        """Everything, oldest first; the ring is empty behind it."""
        packets = list(self._packets)
        self.clear()
        return packets

    def clear(self) -> None:
        """Forget everything: the format has changed."""
        self._packets.clear()
        self._key_times.clear()
        self._bytes = 0

    def _drop_group(self) -> None:
        self._key_times.popleft()
        first = True
        while self._packets:
            packet = self._packets[0]
            if packet.track == "video" and packet.is_key and not first:
                return
            first = False
            self._bytes -= len(self._packets.popleft().data)
