"""H.264 and H.265 bytes as sensors meet them: NAL units, parameter sets, decoder configuration records.

Owns parsing and rewriting of bitstreams; no decoding, no I/O. Everything here takes hostile input: sizes and counts are
bounded, and what does not parse raises ``EyespotError`` of kind ``CORRUPT``.
"""

from eyespot.hal.sensors.bitstream.nal import annexb_to_lengths, lengths_to_annexb, split_annexb, split_lengths
from eyespot.hal.sensors.bitstream.parameters import ParameterSets, SequenceFacts

__all__ = [
    "ParameterSets",
    "SequenceFacts",
    "annexb_to_lengths",
    "lengths_to_annexb",
    "split_annexb",
    "split_lengths",
]
