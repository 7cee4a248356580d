"""Live pictures to H.264: by a hardware encoder where one was chosen, else, and after it failed, in software."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Protocol

import av
from av.video.frame import PictureType, VideoFrame

from eyespot.contracts.packet import VideoFormat
from eyespot.hal.board.codec_options import ask_for_pictures_at_once, layout_for
from eyespot.hal.sensors.encode import Encoded, H264Encoder
from eyespot.hal.sensors.framing import Framing
from eyespot.kernel.errors import EyespotError, unavailable

SOFTWARE = "libx264"
BITS_PER_PIXEL = 0.1
"""Of a hardware encoder's pictures on average: 5 Mbit/s at 1080p, 25 pictures a second."""
MAX_TRIALS, MAX_SILENT = 8, 16


class Encoders(Protocol):
    """Who chooses encoders; ``media.codecs.Codecs`` does."""

    def encoder(self, wanted: str) -> str:
        """libav's name of the encoder for H.264; may wait some seconds."""
        ...

    def failed(self, name: str, why: str) -> None:
        """``name`` is not to be chosen again."""
        ...


class HardwareEncoder:
    """H.264 by any encoder of libav that gives each picture at once, in the project's framing.

    Such encoders tell their parameter sets only with pictures, so a few grey ones of the same size go first, through a
    context of their own. Raises ``UNAVAILABLE`` when those come to nothing, and what PyAV raises.
    """

    def __init__(
        self, name: str, width_px: int, height_px: int, fps: float, options: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self._size = width_px // 2 * 2, height_px // 2 * 2
        self._fps = fps
        self._options = options or {}
        self.format = self._learn()
        self._context = self._open()
        self._framing = Framing("h264", self._context)

    def encode(self, frame: VideoFrame, capture_ns: int) -> list[Encoded]:
        """Encode one picture taken at ``capture_ns`` (strictly rising)."""
        wanted = (*self._size, self._context.pix_fmt)
        if (frame.width, frame.height, frame.format.name) != wanted:
            frame = frame.reformat(*wanted)
        frame.pts, frame.time_base = capture_ns // 1000, Fraction(1, 1_000_000)
        frame.pict_type = PictureType.NONE
        made = []
        for packet in self._context.encode(frame):
            data = self._framing.convert(bytes(packet))
            if data:
                made.append(Encoded(capture_ns, packet.is_keyframe, data))
        return made

    def _open(self) -> Any:
        context: Any = av.CodecContext.create(self.name, "w")
        context.width, context.height = self._size
        context.pix_fmt = layout_for(context)
        context.time_base = Fraction(1, 1_000_000)
        context.framerate = Fraction(self._fps).limit_denominator(1001)
        context.gop_size = max(1, round(self._fps))
        context.max_b_frames = 0
        context.bit_rate = round(self._size[0] * self._size[1] * self._fps * BITS_PER_PIXEL)
        context.options = self._options
        ask_for_pictures_at_once(context, self.name, "w")
        context.open()
        return context

    def _learn(self) -> VideoFormat:
        context = self._open()
        framing = Framing("h264", context)
        for number in range(MAX_TRIALS):
            grey = VideoFrame(*self._size, context.pix_fmt)
            for plane in grey.planes:
                plane.update(b"\x80" * plane.buffer_size)
            grey.pts, grey.time_base = round(number * 1_000_000 / self._fps), Fraction(1, 1_000_000)
            for packet in context.encode(grey):
                framing.convert(bytes(packet))
            if framing.format is not None:
                return framing.format
        raise unavailable(f"{self.name} gave no H.264 parameter sets for pictures of {self._size[0]}x{self._size[1]}.")


OpenHardware = Callable[[str, int, int, float], HardwareEncoder]


class LiveEncoder:
    """Encodes the pictures of one source, whatever sizes they have.

    Args:
        fps: expected rate, which sets the distance of key frames (one second).
        wanted: ``auto``, ``software`` or an encoder's name, for ``encoders``.
        encoders: chooses; None: software.
        open_hardware: opens an encoder by libav's name, width, height and rate.
    """

    def __init__(
        self,
        fps: float,
        wanted: str = "auto",
        encoders: Encoders | None = None,
        open_hardware: OpenHardware = HardwareEncoder,
    ) -> None:
        self._open_hardware = open_hardware
        self._fps = fps
        self._wanted = wanted
        self._encoders = encoders
        self._encoder: H264Encoder | HardwareEncoder | None = None
        self._size = 0, 0
        self._silent = 0

    def encode(self, frame: VideoFrame, capture_ns: int) -> Iterator[VideoFormat | Encoded]:
        """What ``frame``, taken at ``capture_ns`` (strictly rising), gives; each format before its first picture."""
        size = (frame.width, frame.height)
        if self._encoder is None or size != self._size:
            self._size = size
            self._encoder = self._open()
            yield self._encoder.format
        made, wrong = self._try(self._encoder, frame, capture_ns)
        if wrong:
            self._give_up(self._encoder, wrong)
            self._encoder = H264Encoder(*size, self._fps)
            yield self._encoder.format
            made = self._encoder.encode(frame, capture_ns)
        yield from made

    def _try(
        self, encoder: H264Encoder | HardwareEncoder, frame: VideoFrame, capture_ns: int
    ) -> tuple[list[Encoded], str]:
        """What was encoded, or why the hardware encoder is to be given up."""
        if isinstance(encoder, H264Encoder):
            return encoder.encode(frame, capture_ns), ""
        try:
            made = encoder.encode(frame, capture_ns)
        except (av.FFmpegError, EyespotError) as error:
            return [], str(error)
        self._silent = 0 if made else self._silent + 1
        return made, f"no packet for {self._silent} pictures" if self._silent >= MAX_SILENT else ""

    def _open(self) -> H264Encoder | HardwareEncoder:
        name = self._encoders.encoder(self._wanted) if self._encoders else SOFTWARE
        self._silent = 0
        if name != SOFTWARE:
            try:
                return self._open_hardware(name, *self._size, self._fps)
            except (av.FFmpegError, EyespotError, ValueError) as error:  # ValueError: libav has no codec of this name
                if self._encoders is not None:
                    self._encoders.failed(name, str(error))
        return H264Encoder(*self._size, self._fps)

    def _give_up(self, encoder: H264Encoder | HardwareEncoder, why: str) -> None:
        if self._encoders is not None and isinstance(encoder, HardwareEncoder):
            self._encoders.failed(encoder.name, why)
