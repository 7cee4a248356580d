"""Fragmented MP4 in pure Python: written for live view and the archive, read back for playback and recovery.

Owns the box layout of ISO/IEC 14496-12 (fragments), 14496-15 (H.264, H.265) and the Opus and AAC sample entries. Does
not own files, indices or sockets: bytes in, bytes out.
"""

from eyespot.media.fmp4.boxes import Box, iter_boxes
from eyespot.media.fmp4.fragment import FragmentBuilder, fragment, fragment_parts
from eyespot.media.fmp4.init import VIDEO_TIMESCALE, audio_timescale, init_segment
from eyespot.media.fmp4.mime import mime_codecs, mime_type
from eyespot.media.fmp4.read import (
    FragmentInfo,
    InitInfo,
    Sample,
    TrackRun,
    parse_fragment,
    parse_init,
    scan_fragments,
    shift_decode_times,
)

__all__ = [
    "VIDEO_TIMESCALE",
    "Box",
    "FragmentBuilder",
    "FragmentInfo",
    "InitInfo",
    "Sample",
    "TrackRun",
    "audio_timescale",
    "fragment",
    "fragment_parts",
    "init_segment",
    "iter_boxes",
    "mime_codecs",
    "mime_type",
    "parse_fragment",
    "parse_init",
    "scan_fragments",
    "shift_decode_times",
]
