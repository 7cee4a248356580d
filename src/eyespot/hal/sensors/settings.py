"""What a person may set about one stream of one camera. No credentials: those are part of the source address."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from eyespot.kernel.config import Settings

_SHA256 = re.compile(r"[0-9a-fA-F]{64}|([0-9a-fA-F]{2}:){31}[0-9a-fA-F]{2}")


def _sha256(text: str) -> str:
    if text and not _SHA256.fullmatch(text):
        raise ValueError("a SHA-256 fingerprint has 64 hexadecimal digits, with or without colons between pairs")
    return text.replace(":", "").lower()


Fingerprint = Annotated[str, Field(max_length=95), AfterValidator(_sha256)]
"""SHA-256 of a certificate, kept as 64 lower-case hexadecimal digits; empty: none."""
CodecName = Annotated[str, Field(max_length=64, pattern="^[a-z0-9_]+$")]
"""``auto``, ``software``, or the name of one of libav's hardware codecs."""


class SensorSettings(Settings):
    """How one stream is opened."""

    transport: Literal["tcp", "udp"] = "tcp"
    """RTSP only: media inside the control connection (tcp) or beside it (udp)."""
    fingerprint: Fingerprint = ""
    """rtsps:// over tcp only: SHA-256 of the camera's certificate, to trust it and no other; empty: none is pinned."""
    audio: bool = False
    """Copy the audio track, when there is one and it is AAC or Opus."""
    pace: Literal["live", "fast"] = "live"
    """Files and synthetic scenes: at the speed of their timestamps, or as fast as readers take them."""
    loop: bool = True
    """Files: start again at the end, with continuous timestamps."""
    stall_s: float = Field(default=10.0, ge=1.0, le=600.0)
    """Seconds without a packet after which the stream counts as stalled and is opened again."""
    cache_dir: Path | None = None
    """Where files in other codecs are kept once they are encoded to H.264; empty: the user's cache folder."""
    encoder: CodecName = "auto"
    """Who encodes live pictures that are not H.264 or H.265: auto, software, or libav's name; as for vision.decoder."""
    fps: float | None = Field(default=None, gt=0, le=240)
    """V4L2 and libcamera: wished frame rate; empty: the device's own."""
    width_px: int | None = Field(default=None, ge=16, le=16_384)
    """V4L2 and libcamera: wished picture width; empty: the device's own."""
    height_px: int | None = Field(default=None, ge=16, le=16_384)
    """V4L2 and libcamera: wished picture height; empty: the device's own."""
