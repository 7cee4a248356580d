"""Codec names as browsers read them (RFC 6381; ISO/IEC 14496-15, annex E)."""

import pytest

from eyespot.contracts.packet import AudioFormat, StreamFormat, VideoFormat
from eyespot.kernel.errors import EyespotError
from eyespot.media.fmp4 import mime_codecs, mime_type

AVC = VideoFormat("h264", 640, 480, bytes.fromhex("0164001fff"))
HEVC_MAIN = VideoFormat("h265", 640, 480, bytes.fromhex("0101600000009000000000005d") + bytes(10))


@pytest.mark.parametrize(
    ("video", "audio", "expected"),
    [
        (AVC, None, "avc1.64001f"),
        (VideoFormat("h264", 1, 1, bytes.fromhex("0142c00a")), None, "avc1.42c00a"),
        (HEVC_MAIN, None, "hvc1.1.6.L93.90"),
        (VideoFormat("h265", 1, 1, bytes.fromhex("0142200000009000000000007b")), None, "hvc1.A2.4.L123.90"),
        (VideoFormat("h265", 1, 1, bytes.fromhex("0121600000000000000000005d")), None, "hvc1.1.6.H93"),
        (AVC, AudioFormat("aac", 16_000, 1, bytes.fromhex("1408")), "avc1.64001f,mp4a.40.2"),
        (AVC, AudioFormat("aac", 16_000, 1, bytes.fromhex("2b08")), "avc1.64001f,mp4a.40.5"),
        (AVC, AudioFormat("opus", 48_000, 1, b"OpusHead"), "avc1.64001f,opus"),
    ],
)
def test_names(video: VideoFormat, audio: AudioFormat | None, expected: str) -> None:
    assert mime_codecs(StreamFormat(video, audio, 0)) == expected


def test_mime_type() -> None:
    assert mime_type(StreamFormat(AVC, None, 0)) == 'video/mp4; codecs="avc1.64001f"'


@pytest.mark.parametrize("video", [VideoFormat("h264", 1, 1, b"\1"), VideoFormat("h265", 1, 1, b"\1" * 12)])
def test_short_records_are_refused(video: VideoFormat) -> None:
    with pytest.raises(EyespotError):
        mime_codecs(StreamFormat(video, None, 0))
