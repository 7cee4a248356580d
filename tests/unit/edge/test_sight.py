"""What one camera's eyes decode, keep and leave, on real H.264."""

import pytest

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.edge.sight import Sight, span_s
from eyespot.kernel.clock import NS_PER_S
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

PERIOD_NS = NS_PER_S // 10


def encoded(frames: int, width_px: int = 160, **scene: int) -> tuple[StreamFormat, list[Packet]]:
    settings = SceneSettings.model_validate({"width_px": width_px, "height_px": 96, "fps": 10, "people": 1, **scene})
    return encode_scene(SyntheticScene(settings), frames, start_ns=NS_PER_S)


@pytest.fixture(scope="module")
def clip() -> tuple[StreamFormat, list[Packet]]:
    return encoded(60)


def test_each_picture_is_decoded_when_each_is_wanted(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    sight = Sight()
    assert sight.take([packets[0]]) is None, "nothing can be decoded before a format"
    assert sight.take([stream]) is None
    times = [frame.capture_ns for packet in packets if (frame := sight.take([packet]))]
    assert times == [packet.capture_ns for packet in packets]
    assert sight.picture is stream
    assert (sight.decoded, sight.corrupt) == (60, 0)


def test_quiet_decodes_key_frames_alone_once_sizes_are_known() -> None:
    stream, packets = encoded(150, people=0)
    sight = Sight()
    sight.take([stream])
    sight.quiet = True
    for packet in packets[:100]:
        sight.take([packet])
    before, alarms = sight.decoded, sight.alarms
    keys = [packet for packet in packets[100:] if packet.is_key]
    frames = [frame for packet in packets[100:] if (frame := sight.take([packet]))]
    assert [frame.capture_ns for frame in frames] == [packet.capture_ns for packet in keys]
    assert sight.decoded - before == len(keys) > 0
    assert sight.alarms == alarms


def test_an_alarm_decodes_the_packets_that_were_kept() -> None:
    stream, packets = encoded(120, people=0)
    sight = Sight()
    sight.take([stream])
    sight.quiet = True
    for packet in packets:
        sight.take([packet])
    _, busy = encode_scene(
        SyntheticScene(SceneSettings(width_px=160, height_px=96, fps=10, people=12, noise=24)),
        10,
        start_ns=packets[-1].capture_ns + PERIOD_NS,
    )
    before, alarms = sight.decoded, sight.alarms
    sight.take([busy[0]])
    assert sight.decoded == before + 1
    frames = [frame for packet in busy[1:] if (frame := sight.take([packet]))]
    assert sight.alarms == alarms + 1
    assert frames[-1].capture_ns == busy[-1].capture_ns
    assert sight.decoded == before + 10, "a picture needs all before it back to the key frame"
    assert sight.corrupt == 0


def test_nothing_is_decoded_before_a_picture_is_due(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    sight = Sight()
    sight.due_ns = packets[5].capture_ns
    sight.take([stream])
    assert [sight.take([packet]) for packet in packets[:5]] == [None] * 5
    assert (sight.decoded, sight.skipped) == (0, 5)
    frame = sight.take([packets[5]])
    assert frame is not None
    assert frame.capture_ns == packets[5].capture_ns
    assert (sight.decoded, sight.skipped, sight.corrupt) == (6, 0, 0)


def test_what_lies_between_the_last_due_picture_and_a_key_frame_is_never_decoded(
    clip: tuple[StreamFormat, list[Packet]],
) -> None:
    stream, packets = clip
    second_key = next(place for place, packet in enumerate(packets) if packet.is_key and place)
    sight = Sight()
    sight.take([stream, packets[0]])
    sight.due_ns = packets[second_key + 2].capture_ns
    frame = sight.take(packets[1 : second_key + 3])
    assert frame is not None
    assert frame.capture_ns == packets[second_key + 2].capture_ns
    assert sight.decoded == 1 + 3
    assert sight.skipped == second_key - 1


def test_short_of_time_key_frames_alone_are_decoded_until_it_is_over(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    sight = Sight()
    sight.take([stream])
    sight.keys_only = True
    frames = [frame for packet in packets[:15] if (frame := sight.take([packet]))]
    assert [frame.capture_ns for frame in frames] == [packet.capture_ns for packet in packets[:15] if packet.is_key]
    sight.keys_only = False
    later = [frame for packet in packets[15:] if (frame := sight.take([packet]))]
    first_key = next(packet for packet in packets[15:] if packet.is_key)
    assert later[0].capture_ns == first_key.capture_ns, "the packets before have lost what they build on"
    assert later[-1].capture_ns == packets[-1].capture_ns
    assert sight.corrupt == 0


def test_skipping_to_the_newest_key_keeps_it_and_the_last_format(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    keys = [place for place, packet in enumerate(packets) if packet.is_key]
    sight = Sight()
    left = sight.skip_to_key([stream, *packets])
    assert left == [stream, *packets[keys[-1] :]]
    assert sight.skipped == sight.packets == keys[-1]
    assert sight.skip_to_key(packets[1:5]) == packets[1:5], "without a key frame nothing may be dropped"


def test_another_format_begins_anew(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    wider, others = encoded(5, width_px=320)
    sight = Sight()
    first = sight.take([stream, *packets[:5]])
    assert sight.take([wider, others[1]]) is None, "only a key frame can begin"
    second = sight.take(others)
    assert first is not None
    assert second is not None
    assert (first.width_px, second.width_px) == (160, 320)
    assert sight.picture is wider


def test_the_span_of_units_is_that_of_their_packets(clip: tuple[StreamFormat, list[Packet]]) -> None:
    stream, packets = clip
    assert span_s([stream]) == 0.0
    assert span_s([stream, *packets[:11]]) == pytest.approx(1.0)
