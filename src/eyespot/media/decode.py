"""Packets to pictures, and pictures to the sizes that readers ask for.

Owns the decoder and colour conversion. Works in the calling thread and keeps one reusable scaler per size; a frame
stays in the decoder's own format until somebody asks for pixels. Corrupt packets are counted, never raised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from eyespot.contracts.packet import Packet, VideoFormat
from eyespot.hal.board.codec_options import ask_for_pictures_at_once
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, invalid
from eyespot.media.codecs import SOFTWARE_DECODERS, Choice, Codecs
from eyespot.media.pixels import Box, Pixels, Scalers, cut, encode_jpeg

__all__ = ["Decoder", "Frame", "Pixels"]

MAX_ERRORS, MAX_SILENT = 3, 16
"""A hardware decoder that fails on so many packets on end, or gives no picture for so many, is given up."""
MAX_DIMENSION_PX = 16_384
Order = Literal["rgb24", "nv12", "gray"]
"""What ``Frame.fill`` writes, by libav's names."""
_TIME_BASE = Fraction(1, NS_PER_S)


class Frame:
    """One decoded picture. Valid until dropped; pixel arrays handed out are the caller's own."""

    __slots__ = ("_frame", "_scalers", "capture_ns", "height_px", "is_key", "width_px")

    def __init__(self, frame: VideoFrame, scalers: Scalers) -> None:
        self._frame = frame
        self._scalers = scalers
        self.capture_ns: int = frame.pts or 0
        self.width_px: int = frame.width
        self.height_px: int = frame.height
        self.is_key: bool = bool(frame.key_frame)

    @property
    def picture(self) -> VideoFrame:
        """The decoder's own picture, for reading alone: later pictures are made from it."""
        return self._frame

    def rgb(self, width_px: int, height_px: int) -> Pixels:
        """The whole picture as ``(height, width, 3)`` uint8, red first."""
        return self._scalers.packed(self._frame, "rgb24", width_px, height_px)

    def bgr(self, width_px: int, height_px: int) -> Pixels:
        """The whole picture as ``(height, width, 3)`` uint8, blue first; cheaper than ``rgb``."""
        return self._scalers.packed(self._frame, "bgr24", width_px, height_px)

    def grey(self, width_px: int, height_px: int) -> Pixels:
        """Brightness alone as ``(height, width)`` uint8: area means of the luma plane, so noise goes down too."""
        return self._scalers.grey(self._frame, width_px, height_px)

    def crop(self, box: Box, width_px: int, height_px: int, *, order: Literal["rgb", "bgr"] = "bgr") -> Pixels:
        """The part ``box`` (``x1 y1 x2 y2`` in fractions) as ``(height, width, 3)`` uint8; converts that part alone.

        The box is clipped to the picture, rounded out to whole chroma samples and at least 16 pixels wide and high.
        """
        return self._scalers.packed(cut(self._frame, box), f"{order}24", width_px, height_px)

    def fill(
        self, planes: Sequence[Pixels], order: Order, width_px: int, height_px: int, *, box: Box | None = None
    ) -> None:
        """Write the picture, or the part ``box``, scaled to the wished size, into memory of the caller's.

        Args:
            planes: ``(rows, bytes a row)`` uint8 each: one for ``rgb24`` and ``gray``, two for ``nv12``; may be windows
                of a larger picture.
            box: as in ``crop``.
        """
        picture = self._frame if box is None else cut(self._frame, box)
        self._scalers.fill(picture, order, width_px, height_px, planes)

    def jpeg(self, quality: int = 85, width_px: int | None = None, *, box: Box | None = None) -> bytes:
        """A JPEG of the picture (or of ``box``), ``quality`` 1 to 100, no wider than ``width_px``, shape kept."""
        picture = self._frame if box is None else cut(self._frame, box)
        width = max(16, min(width_px or picture.width, picture.width) // 2 * 2)
        height = max(16, round(picture.height * width / picture.width / 2) * 2)
        return encode_jpeg(self._scalers.convert(picture, "yuvj420p", width, height), quality)


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
        fast: skip the loop filter: an eighth cheaper, and slightly blocky towards the end of a GOP; good enough to
            look for objects in when key frames come every few seconds.
        codecs: chooses the decoder, anew at each key frame; None: software. A hardware decoder that fails is given up
            for software, which begins at the next key frame.

    Raises:
        EyespotError: ``INVALID`` when the format's configuration cannot be used.
    """

    def __init__(
        self, video: VideoFormat, *, threads: int = 1, fast: bool = False, codecs: Codecs | None = None
    ) -> None:
        self._video = video
        self._threads = threads
        self._fast = fast
        self._codecs = codecs
        self._needs_key = False
        self._silent = self._errors = 0
        self._choice = self._wanted()
        self._context = self._open_chosen()
        self._scalers = Scalers()
        self.stats = DecodeStats()

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width by height of a pixel, as far as the stream has told."""
        return self._context.sample_aspect_ratio or None

    def decode(self, packet: Packet) -> list[Frame]:
        """The pictures that ``packet`` completes, in display order; empty for audio and for what cannot be decoded."""
        if packet.track != "video":
            return []
        self.stats.packets += 1
        if not packet.data:  # libav takes an empty packet for the end of the stream
            self.stats.corrupt += 1
            return []
        if packet.is_key:
            self._follow_choice()
        elif self._needs_key:
            return []
        unit: Any = av.Packet(packet.data)
        unit.pts, unit.dts, unit.time_base = packet.capture_ns, packet.decode_ns, _TIME_BASE
        frames = self._feed(unit)
        return frames if frames or not self._has_failed() else self._in_software(packet, unit)

    def flush(self) -> list[Frame]:
        """The pictures still held back; afterwards the decoder starts afresh at the next key frame."""
        frames = self._feed(None)
        self._context.flush_buffers()
        return frames

    def decode_key(self, packet: Packet) -> Frame | None:
        """The picture of a key packet alone, at once, even when the stream reorders; None when it cannot be decoded.

        For readers that look at key frames only. After it, ``decode`` may go on with the packets that follow only if
        the stream does not reorder.
        """
        frames = self.decode(packet) or self.flush()
        return frames[-1] if frames else None

    def _feed(self, unit: Any) -> list[Frame]:
        try:
            decoded = self._context.decode(unit)
        except av.FFmpegError as error:
            self.stats.corrupt += 1
            self._errors += 1
            self._silent += 1
            self._last_error = error.strerror
            return []
        self._silent = 0 if decoded else self._silent + 1
        self._errors = 0 if decoded else self._errors
        self.stats.frames += len(decoded)
        return [Frame(frame, self._scalers) for frame in decoded if not self._is_bad(frame)]

    def _is_bad(self, frame: VideoFrame) -> bool:
        """Count a damaged picture; one of absurd size is withheld."""
        if frame.is_corrupt:
            self.stats.corrupt += 1
        return not (0 < frame.width <= MAX_DIMENSION_PX and 0 < frame.height <= MAX_DIMENSION_PX)

    def _wanted(self) -> Choice:
        if self._codecs is None:
            return Choice(SOFTWARE_DECODERS[self._video.codec], "")
        return self._codecs.decoder(self._video.codec)

    def _follow_choice(self) -> None:
        """At a key frame: use what is chosen by now."""
        self._needs_key = False
        choice = self._wanted()
        if choice.name != self._choice.name:
            self._choice = choice
            self._context = self._open_chosen()

    def _has_failed(self) -> bool:
        return self._choice.hardware and (self._errors >= MAX_ERRORS or self._silent >= MAX_SILENT)

    def _in_software(self, packet: Packet, unit: Any) -> list[Frame]:
        """The hardware decoder is given up; ``packet`` is decoded when software can begin with it."""
        self._give_up(f"{self._errors} errors, no picture for {self._silent} packets. {self._last_error}")
        self._context = self._open_chosen()
        self._needs_key = not packet.is_key
        return self._feed(unit) if packet.is_key else []

    def _give_up(self, why: str) -> None:
        if self._codecs is not None:
            self._codecs.failed(self._choice.name, why)
        self._choice = Choice(SOFTWARE_DECODERS[self._video.codec], why)

    def _open_chosen(self) -> VideoCodecContext:
        """What is chosen; software where that cannot be opened."""
        self._silent = self._errors = 0
        self._last_error = ""
        if self._choice.hardware:
            try:
                return self._open()
            except (EyespotError, ValueError) as error:  # ValueError: libav has no codec of this name
                self._give_up(str(error))
        return self._open()

    def _open(self) -> VideoCodecContext:
        context: Any = av.CodecContext.create(self._choice.name, "r")
        context.extradata = self._video.configuration
        if self._choice.hardware:
            context.width, context.height = self._video.width_px, self._video.height_px
            ask_for_pictures_at_once(context, self._choice.name, "r")
        else:
            context.thread_count = self._threads
            context.thread_type = "SLICE"
            if self._fast:
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
