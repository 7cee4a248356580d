"""H.265 in RTP (RFC 7798): single NAL units, aggregation packets, fragmentation units; without DONL fields."""

from eyespot.hal.sensors.bitstream import h265
from eyespot.hal.sensors.rtsp.access_units import AccessUnits

_AGGREGATE, _FRAGMENT, _PACI = 48, 49, 50
_FIRST_NON_SLICE = 32


class H265AccessUnits(AccessUnits):
    """Access units of an H.265 track."""

    _fragment_bytes = 4 + 12 + 3
    _fragment_kind = (0x7E, _FRAGMENT << 1)

    def __init__(self, payload_type: int, parameter_sets: list[bytes]) -> None:
        super().__init__("h265", payload_type, parameter_sets)

    def _take_payload(self, view: memoryview, begin: int, stop: int) -> bool:
        if stop - begin < 3:
            return False
        kind = (view[begin] >> 1) & 63
        if kind == _FRAGMENT:
            return self._take_fragment(view, begin, stop)
        if kind < _AGGREGATE:
            self._whole(view, begin, stop)
            return True
        return kind == _AGGREGATE and self._take_aggregate(view, begin + 2, stop)

    def _take_fragment(self, view: memoryview, begin: int, stop: int) -> bool:
        if stop - begin < 4:
            return False
        mark = view[begin + 2]
        header = bytes((view[begin] & 0x81 | (mark & 63) << 1, view[begin + 1]))
        return self._take_part(header, mark, view[begin + 3 : stop])

    def _is_key_nal(self, first_byte: int) -> bool:
        return h265.FIRST_IRAP <= (first_byte >> 1) & 63 <= h265.LAST_IRAP

    def _take_nal(self, at: int, kind_bytes: bytes) -> bool:
        kind = (kind_bytes[0] >> 1) & 63
        if kind < _FIRST_NON_SLICE:
            key = h265.FIRST_IRAP <= kind <= h265.LAST_IRAP
            if key or self._check_head:
                self._saw_slice(first=len(kind_bytes) > 2 and kind_bytes[2] & 0x80 != 0, key=key)
            return True
        if kind in h265.DROPPED:
            if kind in (h265.VPS, h265.SPS, h265.PPS):
                self._take_parameter_set(bytes(self._unit[at + 4 :]))
            return False
        return True
