"""A stream decoded, turned upright, masked and encoded again, packet by packet.

Owns what happens to the pixels and how they are encoded; not where packets come from. Fails closed: a video packet
leaves here only as a picture that went through ``Painter``; what does not decode is dropped and counted, and an encoder
that fails raises. Sound passes as it is. Works in the calling thread, without delay: a picture leaves with the packet
that completed it.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from eyespot.contracts.lens import View
from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.encode import CHANGED_OPTIONS, Colours, H264Encoder
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, unavailable
from eyespot.media.decode import Decoder, Frame
from eyespot.media.lens import upright_view
from eyespot.media.masks import MaskBurner
from eyespot.media.pixels import plane_rows

KEY_EVERY_NS = NS_PER_S
MOST_BITS_PER_PIXEL = 0.2
"""Of a picture on average, so that a night's noise does not fill the disk: 10 Mbit/s at 1080p, 25 pictures a second."""
_MAX_DURATIONS = 64
_STEP_NS = 40 * NS_PER_MS
"""What the encoder is told of time; it needs the order alone, and the camera's own times may leap."""
_UNTOLD = 2


class Painter:
    """Makes upright, masked 4:2:0 copies of pictures of one size.

    Args:
        width_px, height_px: of the pictures that come; those that leave have even sides.
        full_range: brightness goes from 0 to 255.
    """

    def __init__(self, view: View, width_px: int, height_px: int, *, full_range: bool) -> None:
        self._orientation = view.orientation
        self._source = width_px, height_px
        turned = view.orientation.degrees % 180 != 0
        wide, tall = (height_px, width_px) if turned else (width_px, height_px)
        self.width_px, self.height_px = max(2, wide // 2 * 2), max(2, tall // 2 * 2)
        self._layout = "yuvj420p" if full_range else "yuv420p"
        # The pixel that an odd side loses is less than the one by which masks are grown.
        masks = view.masks
        self._burner = MaskBurner(masks, self.width_px, self.height_px, self._layout) if masks else None

    def paint(self, picture: VideoFrame) -> VideoFrame:
        """``picture`` (4:2:0) upright and masked; it is not changed itself."""
        made = VideoFrame(self.width_px, self.height_px, self._layout)
        planes = [plane_rows(made, index) for index in range(3)]
        for index, part in ((0, 1), (1, 2), (2, 2)):
            columns, rows = (-(-side // part) for side in self._source)
            upright = upright_view(plane_rows(picture, index)[:rows, :columns], self._orientation)
            tall, wide = self.height_px // part, self.width_px // part
            planes[index][:tall, :wide] = upright[:tall, :wide]
        if self._burner is not None:
            self._burner.burn(planes)
        return made


@dataclass(slots=True)
class _Output:
    """Where pictures of one kind go."""

    kind: tuple[int, int, Colours]
    painter: Painter
    encoder: H264Encoder
    pictures: int = 0
    key_ns: int = 0

    def wants_key(self, capture_ns: int) -> bool:
        return self.pictures == 0 or not 0 <= capture_ns - self.key_ns < KEY_EVERY_NS


class Transcoder:
    """Makes a stream look like ``view``; one stream, one thread at a time.

    ``take`` raises ``INVALID`` when a stream can never be decoded, and ``UNAVAILABLE`` when the encoder fails.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._format: StreamFormat | None = None
        self._decoder: Decoder | None = None
        self._output: _Output | None = None
        self._needs_key = True
        self._durations: dict[int, int] = {}
        self._pictures = self._withheld = self._corrupt = 0

    def take(self, unit: Unit) -> list[Unit]:
        """What ``unit`` completes: formats, pictures that are upright and masked, and sound."""
        if isinstance(unit, StreamFormat):
            return self._begin(unit)
        if unit.track == "audio":
            return [unit] if self._output is not None else []
        if self._decoder is None or (self._needs_key and not unit.is_key):
            self._withheld += 1
            return []
        self._needs_key = False
        self._durations[unit.capture_ns] = unit.duration_ns
        if len(self._durations) > _MAX_DURATIONS:
            del self._durations[next(iter(self._durations))]
        return self._encoded(self._decoder.decode(unit))

    def finish(self) -> list[Unit]:
        """The pictures that are still held back; the stream is over."""
        return self._encoded(self._decoder.flush()) if self._decoder is not None else []

    def counters(self) -> dict[str, Any]:
        """Pictures made, and packets that came to nothing: damaged ones and those without a key frame before them."""
        damaged = self._decoder.stats.corrupt if self._decoder is not None else 0
        return {"pictures_made": self._pictures, "packets_withheld": self._withheld + self._corrupt + damaged}

    def _begin(self, stream: StreamFormat) -> list[Unit]:
        """The new format is announced with its first picture, which says what the pictures are really like."""
        rest = self.finish()
        if self._decoder is not None:
            self._corrupt += self._decoder.stats.corrupt
        self._decoder = self._output = None
        self._decoder, self._format, self._needs_key = Decoder(stream.video), stream, True
        self._durations.clear()
        return rest

    def _encoded(self, frames: list[Frame]) -> list[Unit]:
        made: list[Unit] = []
        try:
            for frame in frames:
                made += self._picture(frame)
        except av.FFmpegError as error:
            raise unavailable(
                f"A changed picture could not be encoded: {error.strerror}.",
                "Nothing is shown or recorded until it can.",
            ) from error
        return made

    def _picture(self, frame: Frame) -> list[Unit]:
        assert self._format is not None
        assert self._decoder is not None
        picture, colours = _planar(frame.picture, self._decoder.pixel_aspect, self._view)
        kind = picture.width, picture.height, colours
        made: list[Unit] = []
        if self._output is None or self._output.kind != kind:
            self._output = self._open(kind)
            made.append(replace(self._format, video=self._output.encoder.format, view=self._view))
        output = self._output
        key = output.wants_key(frame.capture_ns)
        encoded = output.encoder.encode(output.painter.paint(picture), output.pictures * _STEP_NS, key=key)
        if key:
            output.key_ns = frame.capture_ns
        output.pictures += 1
        self._pictures += 1
        duration_ns = self._durations.pop(frame.capture_ns, 0)
        for one in encoded:
            made.append(Packet("video", frame.capture_ns, frame.capture_ns, duration_ns, one.is_key, one.data))
        return made

    def _open(self, kind: tuple[int, int, Colours]) -> _Output:
        width_px, height_px, colours = kind
        painter = Painter(self._view, width_px, height_px, full_range=colours.full_range)
        most_bps = round(painter.width_px * painter.height_px * MOST_BITS_PER_PIXEL * NS_PER_S / _STEP_NS)
        options = {**CHANGED_OPTIONS, "maxrate": str(most_bps), "bufsize": str(2 * most_bps)}
        try:
            encoder = H264Encoder(painter.width_px, painter.height_px, None, options, colours)
        except av.FFmpegError as error:
            raise EyespotError(
                Kind.UNAVAILABLE,
                f"Pictures of {painter.width_px}x{painter.height_px} cannot be encoded: {error.strerror}.",
                "Masks and orientation need an encoder; nothing is shown or recorded without.",
            ) from error
        return _Output(kind, painter, encoder)


def _planar(picture: VideoFrame, pixel_aspect: Fraction | None, view: View) -> tuple[VideoFrame, Colours]:
    """``picture`` as 8-bit 4:2:0 in its own range of brightness, and what its numbers mean once it is upright."""
    full_range = picture.format.name.startswith("yuvj") or picture.color_range == ColorRange.JPEG
    if picture.format.name not in ("yuv420p", "yuvj420p"):
        wanted = ColorRange.JPEG if full_range else ColorRange.MPEG
        layout = "yuvj420p" if full_range else "yuv420p"
        picture = picture.reformat(format=layout, src_color_range=wanted, dst_color_range=wanted, threads=1)
    if pixel_aspect is not None and view.orientation.degrees % 180:
        pixel_aspect = 1 / pixel_aspect
    matrix = int(picture.colorspace) or _UNTOLD  # 0 is RGB, which 4:2:0 is not
    colours = Colours(full_range, matrix, int(picture.color_primaries), int(picture.color_trc), pixel_aspect)
    return picture, colours
