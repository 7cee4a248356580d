"""The initialisation segment: ``ftyp`` and ``moov`` without samples (ISO/IEC 14496-12, 8.8; CMAF, ISO/IEC 23000-19)."""

import struct

from eyespot.contracts.packet import AudioFormat, StreamFormat, VideoFormat
from eyespot.kernel.errors import corrupt
from eyespot.media.fmp4.boxes import box, full_box

VIDEO_TIMESCALE = 90_000
VIDEO_TRACK = 1
AUDIO_TRACK = 2
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4  # ISO 639-2 "und", 5 bits a letter
_NOTE_TYPE = bytes.fromhex("6579657370 6f74 4e6f7465 8a31c7d204".replace(" ", ""))


def audio_timescale(audio: AudioFormat) -> int:
    """Ticks per second of the audio track: its sample rate; always 48,000 for Opus (RFC 7845)."""
    return 48_000 if audio.codec == "opus" else audio.sample_rate_hz


def init_segment(stream: StreamFormat, *, timescale: int = VIDEO_TIMESCALE, note: bytes = b"") -> bytes:
    """``ftyp`` + ``moov`` for ``stream``: video is track 1, audio, if any, track 2.

    Args:
        stream: what the packets look like.
        timescale: ticks per second of the video track.
        note: private bytes kept in a ``uuid`` box inside ``moov``; players ignore it, ``parse_init`` returns it.
    """
    brand = b"avc1" if stream.video.codec == "h264" else b"hvc1"
    ftyp = box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6cmfcmp41", brand)
    traks = [_video_trak(stream.video, timescale)]
    trexs = [_trex(VIDEO_TRACK)]
    if stream.audio is not None:
        traks.append(_audio_trak(stream.audio))
        trexs.append(_trex(AUDIO_TRACK))
    extra = box(b"uuid", _NOTE_TYPE, note) if note else b""
    return ftyp + box(b"moov", _mvhd(timescale), *traks, box(b"mvex", *trexs), extra)


def note_of(uuid_body: bytes) -> bytes | None:
    """The note in the body of a ``uuid`` box, or None when the box is somebody else's."""
    return uuid_body[16:] if uuid_body[:16] == _NOTE_TYPE else None


def _mvhd(timescale: int) -> bytes:
    return full_box(
        b"mvhd", 0, 0, struct.pack(">IIIIIH10x", 0, 0, timescale, 0, 0x10000, 0x100), _MATRIX, bytes(24), b"\xff" * 4
    )


def _trex(track: int) -> bytes:
    return full_box(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, 0))


def _trak(track: int, size: bytes, volume: int, mdia: bytes) -> bytes:
    tkhd = full_box(b"tkhd", 0, 3, struct.pack(">IIIII8xHHHH", 0, 0, track, 0, 0, 0, 0, volume, 0), _MATRIX, size)
    return box(b"trak", tkhd, mdia)


def _mdia(timescale: int, handler: bytes, media_header: bytes, entry: bytes) -> bytes:
    mdhd = full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale, 0, _UNDETERMINED, 0))
    hdlr = full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, handler), b"eyespot\0")
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    empty = struct.pack(">I", 0)
    stbl = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        full_box(b"stts", 0, 0, empty),
        full_box(b"stsc", 0, 0, empty),
        full_box(b"stsz", 0, 0, struct.pack(">II", 0, 0)),
        full_box(b"stco", 0, 0, empty),
    )
    return box(b"mdia", mdhd, hdlr, box(b"minf", media_header, dinf, stbl))


def _video_trak(video: VideoFormat, timescale: int) -> bytes:
    kind, record = (b"avc1", b"avcC") if video.codec == "h264" else (b"hvc1", b"hvcC")
    if not (0 < video.width_px < 65536 and 0 < video.height_px < 65536):
        raise corrupt(f"A picture of {video.width_px}x{video.height_px} cannot be put into MP4.")
    entry = box(
        kind,
        struct.pack(">6xH16xHH", 1, video.width_px, video.height_px),
        struct.pack(">IIIH32xHH", 0x480000, 0x480000, 0, 1, 0x18, 0xFFFF),
        box(record, video.configuration),
    )
    size = struct.pack(">II", video.width_px << 16, video.height_px << 16)
    header = full_box(b"vmhd", 0, 1, bytes(8))
    return _trak(VIDEO_TRACK, size, 0, _mdia(timescale, b"vide", header, entry))


def _audio_trak(audio: AudioFormat) -> bytes:
    rate = audio_timescale(audio)
    kind, extra = (b"Opus", _dops(audio)) if audio.codec == "opus" else (b"mp4a", _esds(audio))
    entry = box(
        kind,
        struct.pack(">6xH8xHHIHH", 1, audio.channels, 16, 0, min(rate, 0xFFFF), 0),
        extra,
    )
    header = full_box(b"smhd", 0, 0, bytes(4))
    return _trak(AUDIO_TRACK, bytes(8), 0x100, _mdia(rate, b"soun", header, entry))


def _descriptor(tag: int, payload: bytes) -> bytes:
    """An MPEG-4 descriptor (ISO/IEC 14496-1, 7.2.2.2) with its length in four 7-bit groups."""
    length = len(payload)
    groups = bytes([0x80 | length >> 21 & 0x7F, 0x80 | length >> 14 & 0x7F, 0x80 | length >> 7 & 0x7F, length & 0x7F])
    return bytes([tag]) + groups + payload


def _esds(audio: AudioFormat) -> bytes:
    specific = _descriptor(5, audio.configuration)
    config = _descriptor(4, struct.pack(">BB3xII", 0x40, 0x15, 0, 0) + specific)
    return full_box(
        b"esds", 0, 0, _descriptor(3, struct.pack(">HB", AUDIO_TRACK, 0) + config + _descriptor(6, b"\x02"))
    )


def _dops(audio: AudioFormat) -> bytes:
    """``dOps`` from an OpusHead payload (RFC 7845, 5.1): the same fields, big-endian, without the magic."""
    head = audio.configuration.removeprefix(b"OpusHead")
    if len(head) < 11:
        head = struct.pack("<BBHIHB", 1, audio.channels, 312, audio.sample_rate_hz, 0, 0)
    _, channels, skip, rate, gain, family = struct.unpack_from("<BBHIHB", head)
    return box(b"dOps", struct.pack(">BBHIHB", 0, channels, skip, rate, gain, family), head[11:] if family else b"")
