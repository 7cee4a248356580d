"""The parameter sets of a stream as they are now, and the format that follows from them."""

from eyespot.contracts.packet import VideoCodec, VideoFormat
from eyespot.hal.sensors.bitstream import h264, h265
from eyespot.hal.sensors.bitstream.facts import SequenceFacts
from eyespot.kernel.errors import corrupt

__all__ = ["ParameterSets", "SequenceFacts"]

MAX_SETS_OF_A_KIND = 16


class ParameterSets:
    """Collects parameter sets, in-band and out of band.

    Sets are kept by kind and id; a set with a known id and other bytes replaces the old one. A stream that sends new
    ids without end loses the oldest beyond ``MAX_SETS_OF_A_KIND``.
    """

    def __init__(self, codec: VideoCodec) -> None:
        self.codec: VideoCodec = codec
        self._sets: dict[int, dict[int, bytes]] = {}
        self._sps_type = h264.SPS if codec == "h264" else h265.SPS
        self._kinds = (h264.SPS, h264.PPS) if codec == "h264" else (h265.VPS, h265.SPS, h265.PPS)

    def is_parameter_set(self, nal: bytes) -> bool:
        """Whether ``nal`` is of a kind that belongs here."""
        return bool(nal) and self._kind(nal) in self._kinds

    def add(self, nal: bytes) -> bool:
        """Take one whole NAL unit; True when it changed something. Raises ``CORRUPT`` when it does not parse."""
        kind = self._kind(nal)
        known = self._sets.setdefault(kind, {})
        if nal in known.values():
            return False
        identity = self._identity(kind, nal)
        known.pop(identity, None)
        while len(known) >= MAX_SETS_OF_A_KIND:
            del known[next(iter(known))]
        known[identity] = nal
        return True

    def complete(self) -> bool:
        """Whether there is at least one set of every kind."""
        return all(self._sets.get(kind) for kind in self._kinds)

    def facts(self) -> SequenceFacts:
        """What the newest sequence parameter set says; raises ``CORRUPT`` when there is none."""
        known = self._sets.get(self._sps_type)
        if not known:
            raise corrupt("A stream has no sequence parameter set.")
        newest = next(reversed(known.values()))
        return h264.parse_sps(newest) if self.codec == "h264" else h265.parse_sps(newest)

    def video_format(self) -> VideoFormat:
        """The format; raises ``CORRUPT`` unless ``complete()`` holds and the sets parse."""
        if not self.complete():
            raise corrupt("A stream lacks a parameter set.")
        facts = self.facts()
        sets = [list(self._sets[kind].values()) for kind in self._kinds]
        sps = sets[-2]
        sps.reverse()
        if self.codec == "h264":
            record = h264.configuration(sps, sets[1], facts)
        else:
            record = h265.configuration(sets[0], sps, sets[2], facts)
        return VideoFormat(self.codec, facts.width_px, facts.height_px, record)

    def _kind(self, nal: bytes) -> int:
        return nal[0] & 31 if self.codec == "h264" else (nal[0] >> 1) & 63

    def _identity(self, kind: int, nal: bytes) -> int:
        if kind == self._sps_type:
            return (h264.parse_sps(nal) if self.codec == "h264" else h265.parse_sps(nal)).identity
        return h264.picture_set_id(nal) if self.codec == "h264" else h265.parameter_set_id(nal)
