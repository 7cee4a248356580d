"""Packets into one ordinary MP4 file, with its index in front so that it plays while it is fetched.

Owns the use of the muxer alone: which packets, and where gaps are closed, is the caller's.
"""

import io
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import corrupt, unavailable
from eyespot.media.fmp4 import VIDEO_TIMESCALE, audio_timescale, init_segment


def write_mp4(stream: StreamFormat, packets: Iterable[Packet], out_path: Path) -> int:
    """Write ``packets`` (in decode order, all of format ``stream``) to ``out_path``; returns how many.

    The first packet's decode time becomes 0. Blocks for as long as it takes to write the bytes twice: the second time
    moves the index to the front.

    Raises:
        EyespotError: ``CORRUPT`` when the packets cannot be muxed, ``UNAVAILABLE`` when the file cannot be written.
    """
    count = 0
    try:
        with (
            av.open(io.BytesIO(init_segment(stream)), "r", format="mp4") as template,
            av.open(str(out_path), "w", format="mp4", options={"movflags": "+faststart"}) as output,
        ):
            tracks = {"video": (output.add_stream_from_template(template.streams.video[0]), VIDEO_TIMESCALE)}
            targets: dict[str, tuple[av.stream.Stream, int]] = dict(tracks)
            if stream.audio is not None:
                target = output.add_stream_from_template(template.streams.audio[0])
                targets["audio"] = (target, audio_timescale(stream.audio))
            zero_ns: int | None = None
            for packet in packets:
                if packet.track not in targets:
                    continue
                zero_ns = packet.decode_ns if zero_ns is None else zero_ns
                output.mux_one(_foreign(packet, zero_ns, *targets[packet.track]))
                count += 1
    except OSError as error:
        if isinstance(error, av.error.FFmpegError) and error.errno in (None, 22):
            raise corrupt(f"The footage cannot be put into one file: {error}.") from error
        raise unavailable(f"{out_path.name} cannot be written: {error}.", "Check the disk's free space.") from error
    except (av.error.FFmpegError, ValueError) as error:
        raise corrupt(f"The footage cannot be put into one file: {error}.") from error
    return count


def _foreign(packet: Packet, zero_ns: int, target: "av.stream.Stream", rate: int) -> "av.Packet[av.stream.Stream]":
    result: av.Packet[av.stream.Stream] = av.Packet(packet.data)
    result.stream = target
    result.time_base = Fraction(1, rate)
    result.dts = max(0, round((packet.decode_ns - zero_ns) * rate / NS_PER_S))
    result.pts = max(result.dts, round((packet.capture_ns - zero_ns) * rate / NS_PER_S))
    result.duration = round(packet.duration_ns * rate / NS_PER_S)
    result.is_keyframe = packet.is_key
    return result
