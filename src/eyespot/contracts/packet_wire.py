"""The wire form of ``Unit`` on the Unix socket between the media process and its readers.

A message is a 4-byte big-endian body length, then the body. First body byte: ``F`` a format, ``P`` a packet. A length
of zero is the end of the stream. Version 1. Bodies above ``MAX_BODY_BYTES`` are refused. A format's ``view`` is left
out when it says nothing; a reader that does not know it sees upright, masked pictures all the same.
"""

import json
import struct
from typing import Any, Literal

from eyespot.contracts.lens import PLAIN, LensGeometry, Orientation, View
from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, Unit, VideoFormat
from eyespot.kernel.errors import EyespotError, corrupt

WIRE_VERSION = 1
MAX_BODY_BYTES = 32 << 20
PREFIX_BYTES = 4
END = bytes(PREFIX_BYTES)
"""What stands in place of a length when the stream is over."""
_LENGTH = struct.Struct(">I")
_PACKET = struct.Struct(">cBqqq")
_VIDEO, _KEY = 1, 2


def encode(unit: Unit) -> bytes:
    """``unit`` as one whole message, length first."""
    return b"".join(encode_parts(unit))


def encode_parts(unit: Unit) -> tuple[bytes, ...]:
    """``unit`` as the parts of one whole message; a packet's payload is not copied."""
    if not isinstance(unit, Packet):
        body = _encode_format(unit)
        return (_LENGTH.pack(len(body)), body)
    flags = (_VIDEO if unit.track == "video" else 0) | (_KEY if unit.is_key else 0)
    return (
        _LENGTH.pack(_PACKET.size + len(unit.data))
        + _PACKET.pack(b"P", flags, unit.capture_ns, unit.decode_ns, unit.duration_ns),
        unit.data,
    )


def body_length(prefix: bytes) -> int:
    """The body length that a 4-byte ``prefix`` announces; raises ``CORRUPT`` when out of bounds."""
    (length,) = _LENGTH.unpack(prefix)
    if not 0 < length <= MAX_BODY_BYTES:
        raise corrupt(f"A packet message announces {length} bytes; at most {MAX_BODY_BYTES} are allowed.")
    return int(length)


def decode(body: bytes | memoryview) -> Unit:
    """The unit in ``body`` (without its length); raises ``CORRUPT`` when it is not one."""
    try:
        if body[:1] == b"P":
            return _decode_packet(body)
        if body[:1] == b"F":
            return _decode_format(body)
    except (struct.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise corrupt(f"A packet message does not parse: {error}.") from error
    raise corrupt(f"A packet message of unknown type {bytes(body[:1])!r}.")


def _decode_packet(body: bytes | memoryview) -> Packet:
    _, flags, capture_ns, decode_ns, duration_ns = _PACKET.unpack_from(body)
    track: Literal["video", "audio"] = "video" if flags & _VIDEO else "audio"
    return Packet(track, capture_ns, decode_ns, duration_ns, bool(flags & _KEY), bytes(body[_PACKET.size :]))


def _encode_format(stream: StreamFormat) -> bytes:
    video, audio = stream.video, stream.audio
    document: dict[str, Any] = {
        "v": WIRE_VERSION,
        "wall_offset_ns": stream.wall_offset_ns,
        "video": [video.codec, video.width_px, video.height_px, video.configuration.hex()],
        "audio": audio and [audio.codec, audio.sample_rate_hz, audio.channels, audio.configuration.hex()],
    }
    if stream.view != PLAIN:
        document["view"] = _view_document(stream.view)
    return b"F" + json.dumps(document).encode()


def _decode_format(body: bytes | memoryview) -> StreamFormat:
    document = json.loads(bytes(body[1:]))
    if document["v"] != WIRE_VERSION:
        raise corrupt(f"A packet message of version {document['v']}; this program speaks {WIRE_VERSION}.")
    codec, width_px, height_px, video_configuration = document["video"]
    video = VideoFormat(codec, int(width_px), int(height_px), bytes.fromhex(video_configuration))
    audio = None
    if document["audio"]:
        codec, sample_rate_hz, channels, audio_configuration = document["audio"]
        audio = AudioFormat(codec, int(sample_rate_hz), int(channels), bytes.fromhex(audio_configuration))
    return StreamFormat(video, audio, int(document["wall_offset_ns"]), _view(document.get("view")))


def _view_document(view: View) -> dict[str, Any]:
    turned, lens = view.orientation, view.lens
    return {
        "orientation": [turned.flip_horizontal, turned.flip_vertical, turned.degrees],
        "lens": lens
        and [lens.model, lens.focal_x, lens.focal_y, lens.centre_x, lens.centre_y, lens.k, lens.max_degrees],
        "masks": view.masks,
    }


def _view(document: dict[str, Any] | None) -> View:
    if document is None:
        return PLAIN
    flip_horizontal, flip_vertical, degrees = document["orientation"]
    try:
        orientation = Orientation(bool(flip_horizontal), bool(flip_vertical), degrees)
        lens = None
        if document["lens"] is not None:
            model, focal_x, focal_y, centre_x, centre_y, k, max_degrees = document["lens"]
            lens = LensGeometry(model, focal_x, focal_y, centre_x, centre_y, tuple(k), max_degrees)
        masks = tuple(tuple((float(x), float(y)) for x, y in mask) for mask in document["masks"])
        return View(orientation, lens, masks)
    except EyespotError as error:
        raise ValueError(error.what) from error
