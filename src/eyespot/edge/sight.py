"""One camera's eyes: packets in, the newest picture worth looking at out. Decodes no more than it must.

While nothing moves, key frames alone are decoded and the packets between are kept; when their sizes say that something
moves, they are decoded after all. While something moves, packets are kept until a picture is due, and then decoded up
to it, because each picture needs the ones before; what lies between the last due picture and the next key frame is
never decoded. Runs in a worker thread, one call at a time.
"""

from collections.abc import Sequence

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.codecs import Codecs
from eyespot.media.decode import Decoder, Frame
from eyespot.vision.motion import PacketGate

KEPT_BYTES = 8 << 20
"""Most payload kept between key frames while quiet."""
STEADY = 16
"""Key frames come regularly when the times between them differ by less than one part in so many."""


class Sight:
    """Decoding for one camera, with what ``codecs`` chooses (None: software).

    Attributes:
        quiet: nothing moves, as far as the owner knows; the owner sets it.
        due_ns: while something moves, no picture is wanted before; the owner sets it.
        key_slack_ns: how much before that a key frame is wanted already; half the time between pictures.
        keys_only: the machine is short of time: decode key frames alone, whatever moves; the owner sets it.
        key_ns: capture time of the last key frame that came.
        gop_ns: capture time from key frame to key frame, 0 while that is not steady.
        picture: the format in force, None before the first.
        packets, decoded, skipped: video packets that came, were decoded, were not.
        alarms: how often packet sizes ended a quiet time.
    """

    def __init__(self, codecs: Codecs | None = None) -> None:
        self._codecs = codecs
        self.quiet = False
        self.keys_only = False
        self.due_ns = self.key_slack_ns = self.gop_ns = 0
        self.key_ns = self._between_keys_ns = 0
        self.picture: StreamFormat | None = None
        self.packets = self.decoded = self.skipped = self.alarms = 0
        self._gate = PacketGate()
        self._alarmed = False
        self._decoder: Decoder | None = None
        self._kept: list[Packet] = []
        self._kept_bytes = 0
        self._broken = True

    def take(self, units: Sequence[Unit]) -> Frame | None:
        """The newest picture that ``units`` gave, None when none was decoded."""
        newest: Frame | None = None
        for unit in units:
            if isinstance(unit, StreamFormat):
                self._begin(unit)
            elif unit.track == "video":
                self.packets += 1
                frames = self._packet(unit)
                newest = frames[-1] if frames else newest
        return newest

    def moved(self, frame: Frame) -> None:
        """The pixels of ``frame`` moved. When sizes had not said so, they are trusted less."""
        if self.quiet and not self._alarmed and frame.is_key:
            self._gate.missed()
        self._alarmed = False
        self.quiet = False

    @property
    def corrupt(self) -> int:
        """Packets that did not decode."""
        return self._decoder.stats.corrupt if self._decoder else 0

    def skip_to_key(self, units: Sequence[Unit]) -> list[Unit]:
        """The units from the last key frame on (and any format before): what is left when too many have gathered."""
        for place in range(len(units) - 1, 0, -1):
            unit = units[place]
            if isinstance(unit, Packet) and unit.track == "video" and unit.is_key:
                formats = [one for one in units[:place] if isinstance(one, StreamFormat)][-1:]
                dropped = [one for one in units[:place] if isinstance(one, Packet) and one.track == "video"]
                self.packets += len(dropped)
                self.skipped += len(dropped)
                return [*formats, *units[place:]]
        return list(units)

    def _begin(self, stream: StreamFormat) -> None:
        self.picture = stream
        self._decoder = Decoder(stream.video, fast=True, codecs=self._codecs)
        self._gate = PacketGate()
        self._broken = True
        self._forget()

    def _packet(self, packet: Packet) -> list[Frame]:
        worth = self._gate.update(len(packet.data), packet.capture_ns, is_key=packet.is_key, quiet=self.quiet)
        if packet.is_key:
            self._time_keys(packet.capture_ns)
            self._broken = self._alarmed = False
            self._forget()
            if self._is_early(packet):
                self._keep(packet)
                return []
            return self._decode((packet,))
        if self._broken or self.keys_only:
            self._broken = True
            self.skipped += 1
            return []
        if not worth or self._is_early(packet):
            self._keep(packet)
            return []
        if self.quiet and not self._alarmed:
            self._alarmed = True
            self.alarms += 1
        kept = self._kept
        self._forget()
        return self._decode((*kept, packet))

    def _time_keys(self, capture_ns: int) -> None:
        between_ns = capture_ns - self.key_ns
        steady = abs(between_ns - self._between_keys_ns) * STEADY < between_ns
        self.gop_ns = between_ns if steady else 0
        self.key_ns, self._between_keys_ns = capture_ns, between_ns

    def _is_early(self, packet: Packet) -> bool:
        due_ns = self.due_ns - (self.key_slack_ns if packet.is_key else 0)
        return packet.capture_ns < due_ns and not (self.quiet or self.keys_only)

    def _keep(self, packet: Packet) -> None:
        self.skipped += 1
        self._kept.append(packet)
        self._kept_bytes += len(packet.data)
        if self._kept_bytes > KEPT_BYTES:
            self._forget()
            self._broken = True

    def _forget(self) -> None:
        self._kept = []
        self._kept_bytes = 0

    def _decode(self, packets: Sequence[Packet]) -> list[Frame]:
        """The pictures of the last packet; those of the others are only needed by it."""
        frames: list[Frame] = []
        if self._decoder is not None:
            for packet in packets:
                frames = self._decoder.decode(packet) or frames
            self.decoded += len(packets)
            if frames and packets[-1].capture_ns >= self.due_ns:
                self.due_ns = packets[-1].capture_ns + 2 * self.key_slack_ns
        self.skipped -= len(packets) - 1
        return frames


def span_s(units: Sequence[Unit]) -> float:
    """Seconds of stream time from the first to the last packet of ``units``."""
    packets = [unit for unit in units if isinstance(unit, Packet)]
    return (packets[-1].decode_ns - packets[0].decode_ns) / NS_PER_S if packets else 0.0
