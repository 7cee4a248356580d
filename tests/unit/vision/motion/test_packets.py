"""The packet gate on packets that a real encoder made from synthetic scenes."""

import io
from fractions import Fraction

import av
import numpy as np

from eyespot.vision.motion import PacketGate

S = 1_000_000_000
FPS = 10


def encoded(seconds: float, walker_from_s: float, noise: float) -> list[tuple[int, int, bool]]:
    """(size, capture time, key) of H.264 packets: a noisy room, into which somebody walks."""
    random = np.random.default_rng(1)
    room = random.integers(60, 160, (18, 32)).repeat(10, 0).repeat(10, 1).astype(float)
    sizes = []
    with av.open(io.BytesIO(), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.gop_size = 2 * FPS
        stream.codec_context.time_base = Fraction(1, FPS)
        for n in range(round(seconds * FPS)):
            image = room + random.normal(0, noise, room.shape)
            if n / FPS >= walker_from_s:
                x = round(8 * (n / FPS - walker_from_s) * 2.5) % 300
                image[90:130, x : x + 16] = random.integers(0, 255, (40, 16)) * 0.2 + 200
            grey = np.clip(image, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="gray8").reformat(format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            sizes += [(p.size, n * S // FPS, p.is_keyframe) for p in stream.encode(frame)]
    return sizes


def test_it_is_quiet_in_a_noisy_room_and_wakes_within_a_second() -> None:
    for noise in (0.0, 1.0, 2.0):
        gate = PacketGate()
        woke: list[float] = []
        for size, at_ns, key in encoded(40, 30, noise):
            if gate.update(size, at_ns, is_key=key, quiet=True) and at_ns > 10 * S:
                woke.append(at_ns / S)
        assert woke, noise
        assert 30.0 <= woke[0] <= 31.0, noise


def test_nothing_is_vouched_for_before_the_baseline_is_known() -> None:
    gate = PacketGate()
    first = [gate.update(1000, n * S // FPS, is_key=False, quiet=True) for n in range(30)]
    assert all(first)
    assert not gate.is_trusted


def test_the_baseline_is_learned_from_quiet_alone() -> None:
    gate = PacketGate()
    for n in range(100):
        gate.update(1000, n * S // FPS, is_key=False, quiet=True)
    for n in range(100, 700):
        assert gate.update(3000, n * S // FPS, is_key=False, quiet=False)
    assert gate.update(3000, 70 * S, is_key=False, quiet=True)


def test_a_gate_that_misses_motion_stops_vouching_and_recovers() -> None:
    gate = PacketGate()
    for n in range(100):
        gate.update(1000, n * S // FPS, is_key=False, quiet=True)
    assert not gate.update(1000, 10 * S, is_key=False, quiet=True)
    gate.missed()
    gate.missed()
    gate.missed()
    assert gate.update(1000, 10 * S + S // 10, is_key=False, quiet=True)
    assert not gate.update(1000, 2000 * S, is_key=False, quiet=True)
