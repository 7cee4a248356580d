"""Session descriptions (RFC 4566) as RTSP servers write them: which tracks there are and how they are packed.

Sans I/O and bounded. Lines that do not parse are passed over; a track that lacks what it needs is left out.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_LINES = 2000
MAX_TRACKS = 16
_STATIC_TYPES = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 14: ("MPA", 90_000), 26: ("JPEG", 90_000), 33: ("MP2T", 90_000)}


@dataclass(frozen=True, slots=True)
class Track:
    """One media section.

    Attributes:
        kind: ``video``, ``audio`` or another word.
        payload_type: RTP payload type, 0 to 127.
        encoding: upper-case encoding name, such as ``H264``; empty when unknown.
        clock_hz: RTP clock rate.
        channels: audio channels, 1 when not said.
        parameters: format parameters (``a=fmtp``), lower-case names.
        control: absolute address for SETUP.
    """

    kind: str
    payload_type: int
    encoding: str
    clock_hz: int
    channels: int
    parameters: Mapping[str, str]
    control: str

    @property
    def codec(self) -> Literal["h264", "h265", "aac", ""]:
        """The codec in the project's words, empty for those the client does not take."""
        if self.kind == "video" and self.encoding in ("H264", "H265"):
            return "h264" if self.encoding == "H264" else "h265"
        mode = self.parameters.get("mode", "").lower()
        return "aac" if self.kind == "audio" and self.encoding == "MPEG4-GENERIC" and mode == "aac-hbr" else ""


@dataclass(frozen=True, slots=True)
class Description:
    """A whole session: its aggregate control address and its tracks in order."""

    control: str
    tracks: tuple[Track, ...]


@dataclass
class _Draft:
    kind: str
    payload_type: int
    control: str = ""
    encoding: str = ""
    clock_hz: int = 0
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)


def parse(text: bytes, base_url: str) -> Description:
    """Read a description that was fetched from ``base_url``; never raises, hostile text gives no tracks."""
    control = ""
    drafts: list[_Draft] = []
    for line in text.decode("utf-8", "replace").splitlines()[:MAX_LINES]:
        kind, _, value = line.strip().partition("=")
        if kind == "m" and len(drafts) < MAX_TRACKS:
            drafts.append(_media(value))
        elif kind == "a":
            name, _, rest = value.partition(":")
            if name == "control" and not drafts:
                control = rest.strip()
            elif drafts:
                _attribute(drafts[-1], name, rest.strip())
    tracks = tuple(_track(draft, base_url) for draft in drafts if draft.clock_hz > 0)
    return Description(resolve(base_url, control), tracks)


def resolve(base_url: str, control: str) -> str:
    """A control attribute as an absolute address: as cameras mean it, a relative one is appended to the base."""
    if not control or control == "*" or len(control) > 1024 or not control.isprintable() or " " in control:
        return base_url
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    if control.startswith("/"):
        scheme, _, rest = base_url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}{control}"
    return base_url + ("" if base_url.endswith("/") else "/") + control


def parameter_sets(track: Track) -> list[bytes]:
    """The parameter sets in the description (RFC 6184 8.1, RFC 7798 7.1); what does not decode is left out."""
    names = ("sprop-parameter-sets",) if track.codec == "h264" else ("sprop-vps", "sprop-sps", "sprop-pps")
    found: list[bytes] = []
    for name in names:
        for part in track.parameters.get(name, "").split(",")[:16]:
            try:
                nal = base64.b64decode(part.strip() + "=" * (-len(part.strip()) % 4), validate=True)
            except (binascii.Error, ValueError):
                continue
            if nal:
                found.append(nal)
    return found


def _media(value: str) -> _Draft:
    words = value.split()
    payload_type = _number(words[3], 127) if len(words) > 3 else -1
    draft = _Draft(words[0].lower() if words else "", payload_type)
    draft.encoding, draft.clock_hz = _STATIC_TYPES.get(payload_type, ("", 0))
    return draft


def _attribute(draft: _Draft, name: str, value: str) -> None:
    if name == "control":
        draft.control = value
        return
    number, _, rest = value.partition(" ")
    if _number(number, 127) != draft.payload_type:
        return
    if name == "rtpmap":
        encoding, _, numbers = rest.strip().partition("/")
        rate, _, channels = numbers.partition("/")
        draft.encoding = encoding.upper()
        draft.clock_hz = max(0, _number(rate, 10_000_000))
        draft.channels = max(1, _number(channels, 32))
    elif name == "fmtp":
        for item in rest.split(";")[:64]:
            key, equals, content = item.strip().partition("=")
            if equals:
                draft.parameters[key.strip().lower()] = content.strip()


def _track(draft: _Draft, base_url: str) -> Track:
    control = resolve(base_url, draft.control)
    return Track(
        draft.kind, draft.payload_type, draft.encoding, draft.clock_hz, draft.channels, draft.parameters, control
    )


def _number(text: str, highest: int) -> int:
    """``text`` as a number in 0 to ``highest``, -1 when it is not one."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        value = int(text)
        return value if value <= highest else -1
    return -1
