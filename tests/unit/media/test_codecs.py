"""Which codec is used and why: trials are believed, software is the rest, and what fails in use is not used again."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from eyespot.contracts.packet import VideoCodec
from eyespot.hal.board.codecs import Tried, run_probe, try_all
from eyespot.media.codecs import Choice, Codecs, choose, probe
from eyespot.media.decode import MAX_ERRORS, Decoder
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

SCENE = SyntheticScene(SceneSettings(width_px=160, height_px=96, people=2, seed=5))
FORMAT, PACKETS = encode_scene(SCENE, 40, start_ns=1_000)
GOOD = {"h264_v4l2m2m:r": Tried(), "h264_v4l2m2m:w": Tried(), "h264_qsv:r": Tried("no such device")}


def trial(tried: Mapping[str, Tried], decoder: str = "auto") -> Codecs:
    """Codecs whose trial is over."""
    made = Codecs(decoder, lambda: tried)
    assert made.wait(60)
    return made


def decode(wanted: str, tried: Mapping[str, Tried], base: str = "h264") -> tuple[str, str]:
    choice = choose(base, "r", base, wanted, tried)
    return choice.name, choice.why


def test_hardware_that_passed_its_trial_is_chosen() -> None:
    assert decode("auto", GOOD) == ("h264_v4l2m2m", "it passed a trial in a process of its own")
    assert decode("h264_v4l2m2m", GOOD) == ("h264_v4l2m2m", "the config names it")


@pytest.mark.parametrize(
    ("wanted", "tried", "base", "why"),
    [
        ("software", GOOD, "h264", "the config says software"),
        ("auto", {}, "h264", "no hardware codec was found"),
        (
            "auto",
            {"h264_qsv:r": Tried("no"), "h264_amf:r": Tried("no")},
            "h264",
            "none of 2 hardware codecs works here",
        ),
        ("auto", GOOD, "hevc", "no hardware codec was found"),
        ("auto", {"h264_cuvid:r": Tried(held=4)}, "h264", "h264_cuvid works, but holds pictures back"),
        ("h264_cuvid", {"h264_cuvid:r": Tried(held=4)}, "h264", "h264_cuvid: it works, but holds 4 pictures back"),
        ("h264_qsv", GOOD, "h264", "h264_qsv: no such device"),
        ("h264_rkmpp", GOOD, "h264", "h264_rkmpp: not in this build of libav, or not tried"),
        ("h264_v4l2m2m", GOOD, "hevc", "h264_v4l2m2m, which the config names, is for another standard"),
    ],
)
def test_software_is_the_rest_and_says_why(wanted: str, tried: dict[str, Tried], base: str, why: str) -> None:
    assert decode(wanted, tried, base) == (base, why)


def test_software_serves_until_the_trial_is_over_and_the_next_key_frame_changes_over() -> None:
    gate = threading.Event()

    def slow() -> Mapping[str, Tried]:
        gate.wait()
        return {"hevc_fake:r": Tried()}

    codecs = Codecs(probe=slow)
    assert codecs.decoder("h265").name == "hevc"
    assert codecs.decoder("h265").why == "the trial of hardware codecs is not over"
    assert codecs.status()["trial"] == "running"
    gate.set()
    assert codecs.wait(60)
    assert codecs.decoder("h265").name == "hevc_fake"
    assert codecs.status()["decode h265"] == {"name": "hevc_fake", "why": "it passed a trial in a process of its own"}


def test_a_trial_is_made_once_however_many_ask() -> None:
    made: list[int] = []

    def count() -> Mapping[str, Tried]:
        made.append(1)
        return {}

    codecs = Codecs(probe=count)
    for _ in range(20):
        codecs.decoder("h264")
        codecs.encoder()
    assert made == [1]


def test_software_needs_no_trial() -> None:
    def never() -> Mapping[str, Tried]:
        raise AssertionError("a trial was made")

    codecs = Codecs("software", never)
    assert codecs.decoder("h264").name == "h264"
    assert codecs.encoder("software") == "libx264"
    assert codecs.status()["trial"] == "not made"


def test_where_no_device_could_be_behind_a_codec_nothing_is_tried(tmp_path: Path) -> None:
    assert probe(tmp_path) == {}


def test_a_decoder_that_cannot_be_opened_gives_way_to_software(caplog: pytest.LogCaptureFixture) -> None:
    """The trial said that it works; the real one of this build then finds no device, as when it was unplugged."""
    caplog.set_level(logging.ERROR)
    codecs = trial({"h264_v4l2m2m:r": Tried()})
    decoders = [Decoder(FORMAT.video, codecs=codecs) for _ in range(3)]
    for decoder in decoders:
        for packet in PACKETS:
            assert [frame.capture_ns for frame in decoder.decode(packet)] == [packet.capture_ns]
    assert codecs.status()["failures"] >= 1
    assert codecs.decoder("h264").name == "h264"
    assert len([record for record in caplog.records if "h264_v4l2m2m failed" in record.message]) == 1


class Misnamed(Codecs):
    """Takes VP8's decoder for hardware that decodes H.264, until it failed."""

    def decoder(self, codec: VideoCodec) -> Choice:
        if self.status()["failures"]:
            return Choice("h264", "the other one failed")
        return Choice("vp8", "a test", hardware=True)


def test_a_decoder_that_fails_in_use_gives_way_at_the_next_key_frame() -> None:
    """VP8's decoder in the place of hardware opens all the same, and then fails on every packet."""
    codecs = Misnamed()
    decoder = Decoder(FORMAT.video, codecs=codecs)
    frames = [frame for packet in PACKETS for frame in decoder.decode(packet)]
    assert codecs.status()["failures"] == 1
    assert decoder.stats.corrupt == MAX_ERRORS
    keys = [packet.capture_ns for packet in PACKETS if packet.is_key]
    assert frames[0].capture_ns == keys[1], "software begins where a decoder can begin"
    assert [frame.capture_ns for frame in frames] == [one.capture_ns for one in PACKETS if one.capture_ns >= keys[1]]


@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="there may be a real codec behind /dev/video*")
def test_this_builds_own_kernel_codecs_are_refused_here() -> None:
    codecs = Codecs(probe=lambda: try_all(run_probe, ("h264",))[0])
    assert codecs.wait()
    assert codecs.decoder("h264").name == "h264"
    assert codecs.encoder() == "libx264"
    named = Codecs("h264_v4l2m2m", lambda: codecs._tried)
    assert named.wait()
    choice = named.decoder("h264")
    assert choice.name == "h264"
    assert choice.why.startswith("h264_v4l2m2m: ")
