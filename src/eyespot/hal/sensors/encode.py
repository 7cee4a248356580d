"""Pictures and foreign codecs to H.264: live for devices and changed pictures, once and kept for files.

Owns the encoder settings: one key frame a second, no reordering, so that every reader can start soon and the recorder
can cut anywhere.
"""

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame

from eyespot.contracts.packet import VideoFormat
from eyespot.hal.sensors.demux import Demuxer, explain, open_file
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, unavailable

LIVE_OPTIONS = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"}
CHANGED_OPTIONS = {"preset": "veryfast", "tune": "zerolatency", "crf": "21"}
"""For pictures that a camera has encoded before: they are recorded, so size counts."""
KEPT_OPTIONS = {"preset": "veryfast", "crf": "20", "bf": "0"}
_KEPT_VERSION = 1
_NS = Fraction(1, NS_PER_S)
_UNTOLD_FPS = 25
_DIGEST_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded picture; ``capture_ns`` as it was given."""

    capture_ns: int
    is_key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Colours:
    """What the numbers of a picture mean, by the code points of ITU-T H.273 (2 and 0: not told).

    Attributes:
        full_range: brightness goes from 0 to 255, not from 16 to 235.
        pixel_aspect: width by height of a pixel; None: square or not told.
    """

    full_range: bool = False
    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    pixel_aspect: Fraction | None = None


class H264Encoder:
    """Encodes pictures of one size; x264, no delay, 4-byte length-prefixed output.

    Args:
        width_px, height_px: even sizes; odd pictures are cropped by one pixel.
        fps: expected rate, which sets the distance of key frames (one second); None: the caller says which are keys.
        colours: written into the stream; pictures are taken to have them.
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        fps: float | None,
        options: dict[str, str] | None = None,
        colours: Colours | None = None,
    ) -> None:
        context: Any = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width_px // 2 * 2, height_px // 2 * 2, "yuv420p"
        if colours is not None:
            _tell(context, colours)
        context.time_base = Fraction(1, 1_000_000)
        context.framerate = Fraction(fps or _UNTOLD_FPS).limit_denominator(1001)
        context.thread_count = 1
        context.flags |= Flags.global_header
        key_interval = max(1, round(fps)) if fps is not None else "infinite"
        x264 = f"annexb=0:keyint={key_interval}:min-keyint={key_interval if fps is not None else 1}:scenecut=0"
        context.options = {**(options or LIVE_OPTIONS), "x264-params": x264}
        context.open()
        self._context = context
        self.format = VideoFormat("h264", context.width, context.height, bytes(context.extradata))

    def encode(self, frame: VideoFrame, capture_ns: int, *, key: bool = False) -> list[Encoded]:
        """Encode one picture taken at ``capture_ns`` (strictly rising); with ``key`` a decoder can start there."""
        wanted = (self._context.width, self._context.height, self._context.pix_fmt)
        if (frame.width, frame.height, frame.format.name) != wanted:
            frame = frame.reformat(*wanted)
        frame.pts, frame.time_base = capture_ns // 1000, Fraction(1, 1_000_000)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return self._packed(self._context.encode(frame), capture_ns)

    def _packed(self, packets: list[Any], capture_ns: int) -> list[Encoded]:
        return [Encoded(capture_ns, packet.is_keyframe, bytes(packet)) for packet in packets]


def _tell(context: Any, colours: Colours) -> None:
    context.pix_fmt = "yuvj420p" if colours.full_range else "yuv420p"
    context.colorspace, context.color_primaries, context.color_trc = colours.matrix, colours.primaries, colours.transfer
    if colours.pixel_aspect is not None:
        context.sample_aspect_ratio = colours.pixel_aspect


Progress = Callable[[float], None]
"""Called with the part that is done, 0 to 1."""


def encode_once(source: Path, cache_dir: Path, *, progress: Progress, aborted: Callable[[], bool]) -> Path:
    """The H.264 version of the file ``source`` in ``cache_dir``, made now when it is not there.

    Kept under a digest of the content and the encoder settings, put in place by an atomic rename; several processes
    that want the same file make it once. Blocks.

    Raises:
        EyespotError: ``INVALID`` or ``UNAVAILABLE`` when the source cannot be read, ``EXHAUSTED`` when the cache
            cannot be written, ``UNAVAILABLE`` when ``aborted`` turned true.
    """
    settings = f"{_KEPT_VERSION}:{sorted(KEPT_OPTIONS.items())}"
    digest = _digest(source, aborted)
    name = hashlib.sha256(f"{digest}:{settings}".encode()).hexdigest()[:32]
    target = cache_dir / f"{name}.mp4"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with _locked(cache_dir / f"{name}.lock", aborted):
            if not target.exists():
                _encode_file(source, target, progress, aborted)
    except av.FFmpegError as error:
        raise explain(error, source.name) from error
    except OSError as error:
        raise EyespotError(
            Kind.EXHAUSTED,
            f"{source.name} cannot be kept as H.264 in {cache_dir}: {error.strerror}.",
            "Free some space, or set cache_dir to a folder that can be written.",
        ) from error
    progress(1.0)
    return target


def _digest(path: Path, aborted: Callable[[], bool]) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_DIGEST_CHUNK_BYTES):
                _check(aborted)
                digest.update(chunk)
    except OSError as error:
        raise explain(error, str(path)) from error
    return digest.hexdigest()


@contextmanager
def _locked(path: Path, aborted: Callable[[], bool]) -> Iterator[None]:
    """Hold the lock file ``path``, also against other processes."""
    pause = threading.Event()
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _check(aborted)
                pause.wait(0.1)
        yield


def _encode_file(source: Path, target: Path, progress: Progress, aborted: Callable[[], bool]) -> None:
    partial = target.with_name(f"{target.stem}.{os.getpid()}.partial.mp4")
    try:
        _transcode(source, partial, progress, aborted)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _transcode(source: Path, target: Path, progress: Progress, aborted: Callable[[], bool]) -> None:
    """Encode the video track of ``source``; an AAC or Opus track is copied beside it."""
    demuxer = open_file(source, audio=True)
    try:
        with av.open(str(target), "w", format="mp4") as out:
            video = _video_stream(out, demuxer)
            audio = out.add_stream_from_template(demuxer.audio) if demuxer.audio is not None else None
            total_s = max(float((demuxer.container.duration or 0) / 1_000_000), 0.001)
            for packet in demuxer.container.demux(demuxer.tracks):
                _check(aborted)
                if packet.stream is demuxer.audio:
                    if packet.dts is not None:
                        packet.stream = audio
                        out.mux(packet)
                    continue
                for frame in _decoded(packet):
                    _encode_frame(out, video, frame)
                    progress(min(0.999, (frame.time or 0.0) / total_s))
            out.mux(video.encode(None))
    finally:
        demuxer.close()


def _video_stream(out: Any, demuxer: Demuxer) -> Any:
    rate = demuxer.video.average_rate or Fraction(25)
    stream = out.add_stream("libx264", rate=rate)
    stream.width, stream.height = demuxer.video.width // 2 * 2, demuxer.video.height // 2 * 2
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
    keyint = max(1, round(rate))
    stream.options = {**KEPT_OPTIONS, "x264-params": f"keyint={keyint}:min-keyint={keyint}:scenecut=0:bframes=0"}
    return stream


def _decoded(packet: Any) -> list[VideoFrame]:
    try:
        frames: list[VideoFrame] = packet.decode()
    except av.error.InvalidDataError:
        return []
    return frames


def _encode_frame(out: Any, stream: Any, frame: VideoFrame) -> None:
    wanted = (stream.width, stream.height, "yuv420p")
    if (frame.width, frame.height, frame.format.name) != wanted:
        pts, time_base = frame.pts, frame.time_base
        frame = frame.reformat(*wanted)
        frame.pts, frame.time_base = pts, time_base
    frame.pict_type = 0
    out.mux(stream.encode(frame))


def _check(aborted: Callable[[], bool]) -> None:
    if aborted():
        raise unavailable("Encoding was stopped.", "It starts again at the next opening.")
