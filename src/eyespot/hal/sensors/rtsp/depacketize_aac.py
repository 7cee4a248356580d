"""AAC in RTP (RFC 3640, mode ``AAC-hbr``): audio frames behind a section of sizes."""

from eyespot.contracts.packet import AudioFormat
from eyespot.hal.sensors.rtsp.rtp import RTP_HEADER, Sequence, payload_bounds
from eyespot.hal.sensors.rtsp.sdp import Track

SAMPLES_PER_FRAME = 1024
MAX_FRAME_BYTES = 8191
_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def audio_format(track: Track) -> AudioFormat | None:
    """The format an AAC track announces (AudioSpecificConfig in ``config``); None when it is unusable."""
    try:
        configuration = bytes.fromhex(track.parameters.get("config", ""))
    except ValueError:
        return None
    fields = (track.parameters.get("sizelength", ""), track.parameters.get("indexlength", "3"))
    if not 2 <= len(configuration) <= 64 or fields != ("13", "3"):
        return None
    index = (configuration[0] & 7) << 1 | configuration[1] >> 7
    rate_hz = _RATES_HZ[index] if index < len(_RATES_HZ) else track.clock_hz
    return AudioFormat("aac", rate_hz, (configuration[1] >> 3) & 15 or track.channels, configuration)


class AacFrames:
    """Collects RTP packets of one AAC track into raw audio frames; ``ready`` holds ``(timestamp, frame)``."""

    def __init__(self, payload_type: int) -> None:
        self.ready: list[tuple[int, bytes]] = []
        self.sequence = Sequence()
        self.malformed_packets = 0
        self._payload_type = payload_type
        self._partial = bytearray()
        self._partial_size = 0

    def feed(self, view: memoryview, start: int, stop: int, end: int) -> int:
        """Take the RTP packet ``view[start:stop]``; returns ``stop``."""
        if stop - start < 16 or view[start] >> 6 != 2 or view[start + 1] & 0x7F != self._payload_type:
            self.malformed_packets += 1
            return stop
        first, _, number, timestamp, ssrc = RTP_HEADER.unpack_from(view, start)
        begin, last = start + 12, stop
        if first & 0x3F:
            begin, last = payload_bounds(view, start, stop)
        sequence = self.sequence
        if ssrc != sequence.ssrc:
            sequence.ssrc, sequence.expected = ssrc, -1
        if number != sequence.expected and sequence.jumped(number):
            self._partial.clear()
        sequence.expected = (number + 1) & 0xFFFF
        sequence.received += 1
        if not self._take_payload(view, begin, last, timestamp):
            self.malformed_packets += 1
            self._partial.clear()
        return stop

    def _take_payload(self, view: memoryview, begin: int, stop: int, timestamp: int) -> bool:
        if stop - begin < 4:
            return False
        header_bits = view[begin] << 8 | view[begin + 1]
        at = begin + 2 + (header_bits + 7) // 8
        if header_bits % 16 or not header_bits or at > stop:
            return False
        for index in range(header_bits // 16):
            place = begin + 2 + 2 * index
            size = (view[place] << 8 | view[place + 1]) >> 3
            if at + size > stop:
                return header_bits == 16 and self._take_part(view[at:stop], size, timestamp)
            self.ready.append((timestamp + index * SAMPLES_PER_FRAME & 0xFFFFFFFF, bytes(view[at : at + size])))
            at += size
        return True

    def _take_part(self, part: memoryview, size: int, timestamp: int) -> bool:
        """A frame larger than a packet: its parts repeat the whole size (RFC 3640, 3.2.3)."""
        if self._partial and size != self._partial_size:
            self._partial.clear()
        self._partial_size = size
        self._partial += part
        if len(self._partial) >= size:
            complete = len(self._partial) == size
            if complete:
                self.ready.append((timestamp, bytes(self._partial)))
            self._partial.clear()
            return complete
        return True
