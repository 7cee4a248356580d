"""Starting playback between two key frames: what leads up to the wanted moment is decoded, but takes no time.

Media time cannot be negative, and a decoder must begin at a key frame. So the pictures from the key frame to the moment
are given one tick each, and the one that was on show at the moment lasts until the next.
"""

from collections.abc import Sequence
from dataclasses import replace

from eyespot.contracts.packet import Packet
from eyespot.kernel.clock import NS_PER_S


def squeeze(packets: Sequence[Packet], from_ns: int, timescale: int) -> list[Packet]:
    """``packets``, beginning with a key frame, with all times counted from ``from_ns`` and none negative.

    Args:
        packets: in decode order per track.
        from_ns: monotonic moment that becomes 0.
        timescale: ticks per second of the video track; a squeezed picture lasts one tick.

    Returns:
        Video with pictures before ``from_ns`` squeezed, and the audio from ``from_ns`` on.
    """
    tick_ns = -(-NS_PER_S // timescale)
    video = [packet for packet in packets if packet.track == "video"]
    early = sorted(packet.capture_ns for packet in video if packet.capture_ns < from_ns)
    reordered = any(packet.capture_ns != packet.decode_ns for packet in video)
    rank = {capture_ns: position for position, capture_ns in enumerate(early)}
    result: list[Packet] = []
    decode_ns = -tick_ns
    for packet in video:
        decode_ns = max(decode_ns + tick_ns, packet.decode_ns - from_ns)
        if packet.capture_ns < from_ns:
            capture_ns = rank[packet.capture_ns] * tick_ns
        else:
            capture_ns = max(packet.capture_ns - from_ns, len(early) * tick_ns)
        if not reordered:
            capture_ns = decode_ns
        result.append(replace(packet, capture_ns=capture_ns, decode_ns=decode_ns, duration_ns=0))
    for packet in packets:
        if packet.track == "audio" and packet.capture_ns >= from_ns:
            result.append(replace(packet, capture_ns=packet.capture_ns - from_ns, decode_ns=packet.decode_ns - from_ns))
    return result
