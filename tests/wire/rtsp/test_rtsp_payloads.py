"""Payload formats byte by byte, from the RFCs' figures: read, and where the test camera writes them, both ways."""

from eyespot.hal.sensors.rtsp import rtp
from eyespot.hal.sensors.rtsp.access_units import AccessUnits
from eyespot.hal.sensors.rtsp.depacketize_aac import AacFrames
from eyespot.hal.sensors.rtsp.depacketize_h264 import H264AccessUnits
from eyespot.hal.sensors.rtsp.depacketize_h265 import H265AccessUnits
from eyespot.testing.rtsp_clip import pack_nal

H264_SPS = bytes.fromhex("6742c00bd902847e5840000003004000000c83c50a92")
H264_PPS = bytes.fromhex("68cb83cb20")
IDR = b"\x65\x88\x84\x00\x11\x22\x33\x44"
SLICE = b"\x41\x9a\x24\x6c\x41"

H265_VPS = bytes.fromhex("40010c01ffff01600000030090000003000003001e959809")
H265_SPS = bytes.fromhex("42010101600000030090000003000003001ea02083165959ae4cae6808000003000800000300c840")
H265_PPS = bytes.fromhex("4401c173d089")
CRA = b"\x2a\x01\x80\xaf\x01\x02\x03\x04"


def packet(number: int, timestamp: int, payload: bytes, *, marker: bool = False, kind: int = 96) -> bytes:
    head = bytes((0x80, kind | 0x80 * marker)) + number.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
    return head + b"\x00\x00\x00\x07" + payload


def feed(units: AccessUnits | AacFrames, *packets: bytes) -> None:
    for one in packets:
        units.feed(memoryview(one), 0, len(one), len(one))


def prefixed(*nals: bytes) -> bytes:
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def aggregate(*nals: bytes) -> bytes:
    return b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def test_h264_stap_a_single_and_fu_a() -> None:
    units = H264AccessUnits(96, [])
    feed(
        units,
        packet(65535, 0, b"\x78" + aggregate(H264_SPS, H264_PPS)),
        packet(0, 0, b"\x7c\x85" + IDR[1:4]),
        packet(1, 0, b"\x7c\x05" + IDR[4:6]),
        packet(2, 0, b"\x7c\x45" + IDR[6:], marker=True),
        packet(3, 3000, b"\x09\xf0"),
        packet(4, 3000, SLICE, marker=True),
    )
    first, second = units.ready
    assert first.is_key
    assert first.format is not None
    assert (first.format.width_px, first.format.height_px) == (160, 120)
    assert first.data == prefixed(IDR)
    assert (second.timestamp, second.is_key, second.format, second.data) == (3000, False, None, prefixed(SLICE))


def test_h265_ap_single_and_fu() -> None:
    units = H265AccessUnits(96, [])
    feed(
        units,
        packet(9, 0, b"\x60\x01" + aggregate(H265_VPS, H265_SPS, H265_PPS)),
        packet(10, 0, b"\x62\x01\x95" + CRA[2:5]),
        packet(11, 0, b"\x62\x01\x15" + CRA[5:6]),
        packet(12, 0, b"\x62\x01\x55" + CRA[6:], marker=True),
    )
    (only,) = units.ready
    assert only.is_key
    assert only.format is not None
    assert (only.format.codec, only.format.width_px, only.format.height_px) == ("h265", 64, 48)
    assert only.data == prefixed(CRA)


def test_fragments_of_the_test_camera_are_those_of_the_rfcs() -> None:
    assert pack_nal("h264", IDR, 5) == [b"\x7c\x85" + IDR[1:4], b"\x7c\x05" + IDR[4:7], b"\x7c\x45" + IDR[7:]]
    assert pack_nal("h265", CRA, 6) == [b"\x62\x01\x95" + CRA[2:5], b"\x62\x01\x55" + CRA[5:]]
    assert pack_nal("h264", IDR) == [IDR]


def test_aac_hbr_two_frames_in_a_packet_and_one_in_two() -> None:
    sound = AacFrames(97)
    feed(
        sound,
        packet(1, 0, b"\x00\x20\x00\x18\x00\x20" + b"abc" + b"defg", kind=97, marker=True),
        packet(2, 2048, b"\x00\x10\x00\x28" + b"hij", kind=97),
        packet(3, 2048, b"\x00\x10\x00\x28" + b"kl", kind=97, marker=True),
    )
    assert sound.ready == [(0, b"abc"), (1024, b"defg"), (2048, b"hijkl")]


def test_a_sender_report_of_rfc_3550() -> None:
    report = bytes.fromhex("80c8000600000007e3b1c00080000000000003e80000000a00000400")
    found = rtp.read_sender_report(memoryview(report), 0, len(report))
    assert found is not None
    assert found.timestamp == 1000
    assert found.ntp_ns == (0xE3B1C000 - 2_208_988_800) * 1_000_000_000 + 500_000_000
    assert found.ntp_middle == 0xC0008000
