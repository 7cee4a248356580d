"""Packets to pictures, and pictures to the sizes that readers ask for.

Owns the decoder and colour conversion. Works in the calling thread and keeps one reusable scaler per size; a frame
stays in the decoder's own format until somebody asks for pixels. Corrupt packets are counted, never raised.
"""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.codec.context import Flags, Flags2
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from eyespot.contracts.packet import Packet, VideoFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, invalid

Pixels = NDArray[np.uint8]

_DECODERS = {"h264": "h264", "h265": "hevc"}
_TIME_BASE = Fraction(1, NS_PER_S)


class Frame:
    """One decoded picture. Valid until dropped; pixel arrays handed out are the caller's own."""

    __slots__ = ("_frame", "_scalers", "capture_ns", "height_px", "is_key", "width_px")

    def __init__(self, frame: VideoFrame, scalers: "_Scalers") -> None:
        self._frame = frame
        self._scalers = scalers
        self.capture_ns: int = frame.pts or 0
        self.width_px: int = frame.width
        self.height_px: int = frame.height
        self.is_key: bool = bool(frame.key_frame)

    def rgb(self, width_px: int, height_px: int) -> Pixels:
        """The whole picture as ``(height, width, 3)`` uint8, red first."""
        return self._scalers.picture(self._frame, "rgb24", width_px, height_px)

    def bgr(self, width_px: int, height_px: int) -> Pixels:
        """The whole picture as ``(height, width, 3)`` uint8, blue first."""
        return self._scalers.picture(self._frame, "bgr24", width_px, height_px)

    def grey(self, width_px: int, height_px: int) -> Pixels:
        """Brightness alone as ``(height, width)`` uint8: block means of the luma plane, so noise goes down too."""
        return self._scalers.grey(self._frame, width_px, height_px)

    def crop(
        self, box: tuple[float, float, float, float], width_px: int, height_px: int, *, order: str = "rgb"
    ) -> Pixels:
        """The part ``box`` (``x1 y1 x2 y2`` in fractions) as ``(height, width, 3)`` uint8; ``order``: rgb or bgr."""
        return self._scalers.crop(self._frame, box, "rgb24" if order == "rgb" else "bgr24", width_px, height_px)

    def jpeg(self, quality: int = 85, width_px: int | None = None) -> bytes:
        """A JPEG of the whole picture, ``quality`` 1 to 100, scaled to ``width_px`` with its shape kept."""
        return self._scalers.jpeg(self._frame, quality, width_px)


@dataclass(slots=True)
class DecodeStats:
    """Counters since the decoder was made."""

    packets: int = 0
    frames: int = 0
    corrupt: int = 0


class Decoder:
    """Decodes one video format in the calling thread.

    Args:
        video: the format that the stream announced.
        threads: decoder threads; one has the least delay and the least cost per frame.
        fast: skip the loop filter: cheaper, slightly blocky, good enough to look for objects in.

    Raises:
        EyespotError: ``INVALID`` when the format's configuration cannot be used.
    """

    def __init__(self, video: VideoFormat, *, threads: int = 1, fast: bool = False) -> None:
        self._video = video
        self._threads = threads
        self._fast = fast
        self._context = self._open()
        self._scalers = _Scalers()
        self.stats = DecodeStats()

    def decode(self, packet: Packet) -> list[Frame]:
        """The pictures that ``packet`` completes, in display order; empty for audio and for what cannot be decoded."""
        if packet.track != "video":
            return []
        self.stats.packets += 1
        unit: Any = av.Packet(packet.data)
        unit.pts, unit.dts, unit.time_base = packet.capture_ns, packet.decode_ns, _TIME_BASE
        return self._feed(unit)

    def flush(self) -> list[Frame]:
        """The pictures still held back; afterwards the decoder starts afresh at the next key frame."""
        frames = self._feed(None)
        self._context.flush_buffers()
        return frames

    def _feed(self, unit: Any) -> list[Frame]:
        try:
            decoded = self._context.decode(unit)
        except av.FFmpegError:
            self.stats.corrupt += 1
            return []
        self.stats.frames += len(decoded)
        return [Frame(frame, self._scalers) for frame in decoded]

    def _open(self) -> VideoCodecContext:
        context: Any = av.CodecContext.create(_DECODERS[self._video.codec], "r")
        context.extradata = self._video.configuration
        context.thread_count = self._threads
        context.thread_type = "SLICE" if self._threads == 1 else "AUTO"
        context.flags |= Flags.low_delay
        if self._fast:
            context.flags2 |= Flags2.fast
            context.options = {"skip_loop_filter": "all"}
        try:
            context.open()
        except av.FFmpegError as error:
            raise invalid(
                f"The {self._video.codec} configuration of the stream cannot be used: {error.strerror}.",
                "Check the camera's video settings.",
            ) from error
        result: VideoCodecContext = context
        return result


class _Scalers:
    """Reusable colour converters, one per wished size and order."""

    def __init__(self) -> None:
        self._by_size: dict[tuple[str, int, int, int, int], VideoReformatter] = {}

    def picture(self, frame: VideoFrame, order: str, width_px: int, height_px: int) -> Pixels:
        return _packed(self._convert(frame, order, width_px, height_px))

    def grey(self, frame: VideoFrame, width_px: int, height_px: int) -> Pixels:
        return shrink_grey(_luma(frame), width_px, height_px)

    def crop(
        self, frame: VideoFrame, box: tuple[float, float, float, float], order: str, width_px: int, height_px: int
    ) -> Pixels:
        raise NotImplementedError

    def jpeg(self, frame: VideoFrame, quality: int, width_px: int | None) -> bytes:
        width = min(width_px or frame.width, frame.width) // 2 * 2
        height = max(2, round(frame.height * width / frame.width / 2) * 2)
        picture = self._convert(frame, "yuvj420p", width, height)
        return encode_jpeg(picture, quality)

    def _convert(self, frame: VideoFrame, order: str, width_px: int, height_px: int) -> VideoFrame:
        key = (order, width_px, height_px, frame.width, frame.height)
        scaler = self._by_size.get(key)
        if scaler is None:
            if len(self._by_size) >= 16:
                self._by_size.clear()
            scaler = self._by_size[key] = VideoReformatter()
        return scaler.reformat(frame, width_px, height_px, order, interpolation=Interpolation.FAST_BILINEAR)


def _luma(frame: VideoFrame) -> Pixels:
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def _packed(frame: VideoFrame) -> Pixels:
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width * 3].reshape(plane.height, plane.width, 3)


def shrink_grey(luma: Pixels, width_px: int, height_px: int) -> Pixels:
    """``luma`` ``(H, W)`` shrunk to ``(height_px, width_px)``."""
    rows = (np.arange(height_px) * luma.shape[0]) // height_px
    columns = (np.arange(width_px) * luma.shape[1]) // width_px
    return luma[rows[:, None], columns[None, :]]


def encode_jpeg(frame: VideoFrame, quality: int) -> bytes:
    """``frame`` (yuvj420p) as a JPEG."""
    context: Any = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuvj420p"
    context.time_base = Fraction(1, 25)
    context.qscale = True
    out = io.BytesIO()
    for packet in [*context.encode(frame), *context.encode(None)]:
        out.write(bytes(packet))
    return out.getvalue()


__all__ = ["Decoder", "EyespotError", "Frame", "Pixels"]
