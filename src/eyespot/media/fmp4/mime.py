"""The ``codecs`` parameter of RFC 6381, with the H.264 and H.265 forms of ISO/IEC 14496-15, annex E."""

from eyespot.contracts.packet import AudioFormat, StreamFormat, VideoFormat
from eyespot.kernel.errors import corrupt


def mime_codecs(stream: StreamFormat) -> str:
    """For example ``avc1.64001f,mp4a.40.2``; raises ``CORRUPT`` when a configuration record is too short."""
    names = [_video(stream.video)]
    if stream.audio is not None:
        names.append(_audio(stream.audio))
    return ",".join(names)


def mime_type(stream: StreamFormat) -> str:
    """For example ``video/mp4; codecs="avc1.64001f"``: what ``MediaSource.addSourceBuffer`` takes."""
    return f'video/mp4; codecs="{mime_codecs(stream)}"'


def _video(video: VideoFormat) -> str:
    record = video.configuration
    if video.codec == "h264":
        if len(record) < 4:
            raise corrupt("The H.264 configuration record is too short.")
        return f"avc1.{record[1]:02x}{record[2]:02x}{record[3]:02x}"
    if len(record) < 13:
        raise corrupt("The H.265 configuration record is too short.")
    return _hevc(record)


def _hevc(record: bytes) -> str:
    space = ("", "A", "B", "C")[record[1] >> 6]
    tier = "H" if record[1] & 0x20 else "L"
    # The compatibility flags are written with their bits in reverse order, leading zeros left out.
    reversed_flags = int(f"{int.from_bytes(record[2:6], 'big'):032b}"[::-1], 2)
    constraints = record[6:12].rstrip(b"\0")
    parts = ["hvc1", f"{space}{record[1] & 0x1F}", f"{reversed_flags:x}", f"{tier}{record[12]}"]
    parts += [f"{byte:x}" for byte in constraints]
    return ".".join(parts)


def _audio(audio: AudioFormat) -> str:
    if audio.codec == "opus":
        return "opus"
    if not audio.configuration:
        raise corrupt("The AAC configuration is empty.")
    kind = audio.configuration[0] >> 3
    if kind == 31 and len(audio.configuration) >= 2:
        kind = 32 + ((audio.configuration[0] & 7) << 3 | audio.configuration[1] >> 5)
    return f"mp4a.40.{kind}"
