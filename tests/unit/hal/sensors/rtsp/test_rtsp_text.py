"""Addresses, messages and session descriptions: what cameras write, and what attackers do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.hal.sensors.rtsp import address, messages, sdp
from eyespot.hal.sensors.rtsp.depacketize_aac import audio_format
from eyespot.kernel.errors import EyespotError, Kind

CAMERA = b"""v=0\r
o=- 1109162014219182 1 IN IP4 0.0.0.0\r
s=Media Presentation\r
a=control:rtsp://10.0.0.5/Streaming/Channels/101/\r
m=video 0 RTP/AVP 96\r
a=control:rtsp://10.0.0.5/Streaming/Channels/101/trackID=1\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z00AKp2oHgCJ+WbgICAoAAAfQAAGGoQgAA==,aO48gA==\r
m=audio 0 RTP/AVP 104\r
a=control:trackID=2\r
a=rtpmap:104 mpeg4-generic/16000/1\r
a=fmtp:104 streamtype=5; mode=AAC-hbr; config=1408; SizeLength=13; IndexLength=3; IndexDeltaLength=3\r
m=application 0 RTP/AVP 107\r
a=control:trackID=3\r
a=rtpmap:107 vnd.onvif.metadata/90000\r
"""


def test_a_cameras_description() -> None:
    found = sdp.parse(CAMERA, "rtsp://10.0.0.5/Streaming/Channels/101/")
    video, audio, other = found.tracks
    assert found.control == "rtsp://10.0.0.5/Streaming/Channels/101/"
    assert (video.codec, audio.codec, other.codec) == ("h264", "aac", "")
    assert video.control.endswith("trackID=1")
    assert audio.control == "rtsp://10.0.0.5/Streaming/Channels/101/trackID=2"
    assert [nal[0] & 31 for nal in sdp.parameter_sets(video)] == [7, 8]
    sound = audio_format(audio)
    assert sound is not None
    assert (sound.sample_rate_hz, sound.channels, sound.configuration) == (16_000, 1, b"\x14\x08")


@pytest.mark.parametrize(
    ("base", "control", "expected"),
    [
        ("rtsp://h/a", "*", "rtsp://h/a"),
        ("rtsp://h/a", "t=1", "rtsp://h/a/t=1"),
        ("rtsp://h/a/", "t=1", "rtsp://h/a/t=1"),
        ("rtsp://h:8554/a/b", "/c", "rtsp://h:8554/c"),
        ("rtsp://h/a?x=1", "t", "rtsp://h/a?x=1/t"),
        ("rtsp://h/a", "RTSP://g/b", "RTSP://g/b"),
        ("rtsp://h/a", "t\r\nX: y", "rtsp://h/a"),
    ],
)
def test_control_addresses(base: str, control: str, expected: str) -> None:
    assert sdp.resolve(base, control) == expected


def test_an_address_is_taken_apart() -> None:
    found = address.parse("rtsps://ann:p%40ss%3a@[2001:db8::1]:8322/live/0?token=abc")
    assert (found.host, found.port, found.tls) == ("2001:db8::1", 8322, True)
    assert (found.username, found.password) == ("ann", "p@ss:")
    assert found.url == "rtsps://[2001:db8::1]:8322/live/0?token=abc"
    assert found.public == "rtsps://[2001:db8::1]:8322/live/0"
    assert "p@ss" not in repr(found)
    assert address.parse("rtsp://camera").port == 554


@pytest.mark.parametrize(
    "source",
    [
        "http://x/",
        "rtsp://",
        "rtsp:///a",
        "rtsp://h:99999/",
        "rtsp://u:secret@h/a b",
        "rtsp://[secret/",
        "rtsp://h/\r\nX",
    ],
)
def test_bad_addresses_are_refused_without_repeating_them(source: str) -> None:
    with pytest.raises(EyespotError) as caught:
        address.parse(source)
    assert caught.value.kind is Kind.INVALID
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    "source",
    ["rtsp://h/user=ann&password=secret&channel=1", "rtsp://ann:12/secret@h/live", "rtsp://h/a?password=secret"],
)
def test_passwords_in_paths_and_queries_are_not_shown(source: str) -> None:
    found = address.parse(source)
    assert "secret" not in found.public
    assert "secret" in found.url


def test_a_response_is_read() -> None:
    head = messages.read_head(
        b"RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Basic\r\nwww-authenticate: Digest"
    )
    response = messages.read_response(head, b"")
    assert (response.status, response.reason, response.header("cseq")) == (401, "Unauthorized", "2")
    assert response.headers["www-authenticate"] == ("Basic", "Digest")


@pytest.mark.parametrize("length", ["99999999999", "-1", "1e3", "65537", "²"])
def test_unreadable_lengths_are_corrupt(length: str) -> None:
    with pytest.raises(EyespotError) as caught:
        messages.read_head(f"RTSP/1.0 200 OK\r\nContent-Length: {length}".encode())
    assert caught.value.kind is Kind.CORRUPT


@given(st.binary(max_size=400))
def test_hostile_messages_raise_nothing_else(data: bytes) -> None:
    try:
        messages.read_response(messages.read_head(data), b"")
    except EyespotError as error:
        assert error.kind is Kind.CORRUPT  # noqa: PT017 - not raising is as good


@given(st.lists(st.sampled_from(CAMERA.splitlines(keepends=True)) | st.binary(max_size=60), max_size=40))
def test_hostile_descriptions_raise_nothing(lines: list[bytes]) -> None:
    found = sdp.parse(b"".join(lines), "rtsp://h/")
    assert len(found.tracks) <= sdp.MAX_TRACKS
    for track in found.tracks:
        assert track.control.startswith(("rtsp://", "RTSP://"))
        assert all(sdp.parameter_sets(track))
        audio_format(track)
