"""The codec probe: it uses real codecs, and a crash or hang of one costs only that one."""

import json
from collections.abc import Sequence
from pathlib import Path

import av
import pytest

from eyespot.hal.board.codec_options import ask_for_pictures_at_once
from eyespot.hal.board.codec_probe import SOFTWARE, Outcome, decode, encode, try_codec, wanted
from eyespot.hal.board.codecs import FAMILIES, MAX_STARTS, Tried, look_for_codecs, run_probe, try_all
from eyespot.hal.board.roots import Roots


@pytest.mark.parametrize(("codec", "encoder"), SOFTWARE.items())
def test_what_a_decoder_is_tried_on_is_whole(codec: str, encoder: str) -> None:
    assert try_codec(encoder, "w").wrong == ""
    decoder = {"mpeg2": "mpeg2video", "mpeg1": "mpeg1video"}.get(codec, codec)
    assert decode(decoder, encode(encoder)[0]).wrong == ""


def test_a_decoder_that_gives_nothing_is_found_out() -> None:
    assert decode("h264", encode("libx264")[0][:0]).wrong == "it gave no picture"


def test_a_codec_without_its_hardware_says_what_is_wrong() -> None:
    name, mode = next(item for item in wanted() if item[0] == "h264_v4l2m2m")
    assert isinstance(try_codec(name, mode), Outcome)
    assert try_codec("no_such_codec", "w").wrong


def test_how_many_pictures_are_held_back_is_counted() -> None:
    packets, late = encode("libx264")
    assert late == len(packets), "x264 looks ahead unless it is told not to"
    assert decode("h264", packets) == Outcome("", 0)


@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="there may be a real codec behind /dev/video*")
def test_the_kernels_codecs_are_refused_where_there_are_none() -> None:
    tried, libav = try_all(run_probe, ("h264",))
    assert libav
    assert {"h264_v4l2m2m:r", "h264_v4l2m2m:w"} <= set(tried)
    assert tried["h264_v4l2m2m:r"].wrong
    assert tried["h264_v4l2m2m:w"].wrong
    assert {name.partition("_")[0] for name in tried} == {"h264"}


def test_every_family_is_answered_for() -> None:
    items = list(look_for_codecs(Roots()))
    assert items[0].usable
    assert items[0].what.startswith("libav ")
    ends = {item.name.rpartition("_")[2] for item in items}
    assert set(FAMILIES) <= ends
    assert all(item.todo for item in items if not item.usable)


def lines(*documents: dict[str, object]) -> str:
    return "\n".join(json.dumps(document) for document in documents)


def test_a_codec_that_kills_the_probe_is_named_and_left_out() -> None:
    starts: list[list[str]] = []

    def run(skip: Sequence[str]) -> str:
        starts.append(list(skip))
        if "b:w" not in skip:
            return lines({"trying": "a:w"}, {"codec": "a:w", "wrong": ""}, {"trying": "b:w"})
        return lines({"trying": "c:r"}, {"codec": "c:r", "wrong": "no"}, {"done": True, "libav": "8"}) + "\nrubbish"

    tried, libav = try_all(run)
    crashed = Tried("it crashed or hung the process that tried it")
    assert tried == {"a:w": Tried(), "b:w": crashed, "c:r": Tried("no")}
    assert libav == "8"
    assert starts == [[], ["a:w", "b:w"]]


def test_the_number_of_starts_is_bounded() -> None:
    starts: list[int] = []

    def run(skip: Sequence[str]) -> str:
        starts.append(len(skip))
        return lines({"trying": f"x{len(skip)}:w"})

    tried, libav = try_all(run)
    assert len(starts) == MAX_STARTS
    assert len(tried) == MAX_STARTS
    assert libav == ""
    assert try_all(lambda _: "")[0] == {}


def test_the_flag_for_pictures_at_once_is_libavs_own() -> None:
    context = av.CodecContext.create("h264", "r")
    ask_for_pictures_at_once(context, "h264_cuvid", "r")
    assert context.flags & av.codec.context.Flags.low_delay
