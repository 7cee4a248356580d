"""H.264 in RTP (RFC 6184, packetization modes 0 and 1): single NAL units, STAP-A, FU-A."""

from eyespot.hal.sensors.bitstream import h264
from eyespot.hal.sensors.rtsp.access_units import AccessUnits

_STAP_A, _FU_A = 24, 28


class H264AccessUnits(AccessUnits):
    """Access units of an H.264 track."""

    _fragment_bytes = 4 + 12 + 2
    _fragment_kind = (31, _FU_A)

    def __init__(self, payload_type: int, parameter_sets: list[bytes]) -> None:
        super().__init__("h264", payload_type, parameter_sets)

    def _take_payload(self, view: memoryview, begin: int, stop: int) -> bool:
        kind = view[begin] & 31
        if kind == _FU_A:
            return self._take_fragment(view, begin, stop)
        if 0 < kind < _STAP_A:
            self._whole(view, begin, stop)
            return True
        return kind == _STAP_A and self._take_aggregate(view, begin + 1, stop)

    def _take_fragment(self, view: memoryview, begin: int, stop: int) -> bool:
        if stop - begin < 3:
            return False
        mark = view[begin + 1]
        return self._take_part(bytes((view[begin] & 0xE0 | mark & 31,)), mark, view[begin + 2 : stop])

    def _is_key_nal(self, first_byte: int) -> bool:
        return first_byte & 31 == h264.IDR

    def _take_nal(self, at: int, kind_bytes: bytes) -> bool:
        kind = kind_bytes[0] & 31
        if kind == h264.SLICE:
            if self._check_head:
                self._saw_slice(first=kind_bytes[1] & 0x80 != 0, key=False)
            return True
        if kind == h264.IDR or kind == 2:
            self._saw_slice(first=kind_bytes[1] & 0x80 != 0, key=kind == h264.IDR)
            return True
        if kind == h264.SEI:
            if h264.is_recovery_point(kind_bytes):
                self._is_key = True
            return True
        if kind in h264.DROPPED:
            if kind in (h264.SPS, h264.PPS):
                self._take_parameter_set(bytes(self._unit[at + 4 :]))
            return False
        return True
