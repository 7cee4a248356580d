"""The host's configuration: the shipped sample loads, mistakes are named, rules hold."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from eyespot.contracts.lens import PLAIN, LensGeometry, Orientation, View
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.config_file import load_config
from eyespot.edge.config_parts import LineSettings, ZoneSettings
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError
from eyespot.vision.zones import Line, Zone

SAMPLE = Path(__file__).parents[3] / "config" / "eyespot.toml"


def config(**camera: Any) -> CameraHostConfig:
    base = {"id": "front", "stream": [{"name": "main", "source": "a.mp4"}, {"name": "small", "source": "b.mp4"}]}
    return validate(CameraHostConfig, {"camera": [{**base, **camera}]}, "test")


def test_the_shipped_sample_loads() -> None:
    sample = load_config(SAMPLE)
    camera = sample.camera[0]
    assert (camera.recorded, camera.seen, camera.shown) == ("main", "small", "main")
    assert camera.zone[0].loiter_s == 20


def test_an_unknown_key_is_refused_with_the_nearest_known_name(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(SAMPLE.read_text().replace("rate_hz = 5", "rat_hz = 5"))
    with pytest.raises(EyespotError, match=r"camera.0.detect.rat_hz: unknown key, did you mean 'rate_hz'"):
        load_config(path)


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ({"id": "Front Door"}, "camera id"),
        ({"id": "host"}, "stands for the machine"),
        ({"id": "a/../b"}, "camera id"),
        ({"detect_stream": "tiny"}, "not one of its streams"),
        ({"stream": []}, "at least 1 entry"),
        ({"stream": [{"source": "rtsps://x", "fingerprint": "abc"}]}, "64 hexadecimal digits"),
        ({"stream": [{"source": "rtsp://x", "fingerprint": "ab" * 32}]}, "rtsps://"),
        ({"stream": [{"source": "rtsps://x", "fingerprint": "ab" * 32, "transport": "udp"}]}, 'transport = "tcp"'),
        ({"stream": [{"source": "a"}, {"source": "b"}]}, "called 'main'"),
        ({"zone": [{"name": "z", "points": [[0, 0], [1, 0], [1, 2]]}]}, "from 0 to 1, not 2"),
        ({"zone": [{"name": "z", "points": [[0, 0], [1, 0]]}]}, "at least 3"),
        (
            {"mask": [{"name": "m", "points": [[0, 0], [1, 0], [1, -0.1]]}]},
            "camera.0.mask.0.points.2.1: .* from 0 to 1",
        ),
        ({"mask": [{"name": "m", "points": [[0, 0], [1, 0]]}]}, "at least 3"),
        ({"mask": [{"name": "m", "points": [[0, 0], [1, 0], [1, 1]]}] * 2}, "masks of camera 'front' are called 'm'"),
        ({"orientation": {"degrees": 45}}, "camera.0.orientation.degrees: .* 0.*90.*180.*270"),
        ({"lens": {"model": "fisheye"}}, "camera.0.lens.model: .*equidistant"),
        ({"lens": {"focal_x": 0}}, "camera.0.lens.focal_x: .*0.01"),
        ({"lens": {"max_degrees": 200}}, "camera.0.lens.max_degrees: .*180"),
        ({"line": [{"name": "l", "a": [0.5, 0.5], "b": [0.5, 0.5]}]}, "ends"),
        (
            {
                "zone": [{"name": "z", "points": [[0, 0], [1, 0], [1, 1]]}],
                "line": [{"name": "z", "a": [0, 0], "b": [1, 1]}],
            },
            "called 'z'",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(camera: dict[str, Any], said: str) -> None:
    with pytest.raises(EyespotError, match=said):
        config(**camera)


def test_the_view_is_what_streams_announce() -> None:
    plain = config().camera[0]
    assert plain.view == PLAIN
    corners = [[0, 0], [0.5, 0], [0.5, 0.25]]
    camera = config(
        orientation={"flip_vertical": True, "degrees": 90},
        lens={"model": "polynomial", "focal_x": 0.3, "focal_y": 0.5, "k": [0.1, 0, 0, 0], "max_degrees": 95},
        mask=[{"name": "window", "points": corners}],
    ).camera[0]
    assert camera.view == View(
        Orientation(flip_vertical=True, degrees=90),
        LensGeometry("polynomial", 0.3, 0.5, k=(0.1, 0, 0, 0), max_degrees=95),
        (((0, 0), (0.5, 0), (0.5, 0.25)),),
    )


@given(st.data())
def test_every_lens_and_mask_that_may_be_written_can_be_announced(data: st.DataObject) -> None:
    unit = st.floats(0, 1)
    corners = data.draw(st.lists(st.tuples(unit, unit), min_size=3, max_size=128))
    lens = {
        "model": data.draw(st.sampled_from(["unknown", "perspective", "equidistant", "polynomial"])),
        "focal_x": data.draw(st.floats(0.01, 100)), "focal_y": data.draw(st.floats(0.01, 100)),
        "centre_x": data.draw(st.floats(-1, 2)), "centre_y": data.draw(st.floats(-1, 2)),
        "k": data.draw(st.tuples(*[st.floats(-100, 100)] * 4)),
        "max_degrees": data.draw(st.floats(0, 180, exclude_min=True)),
    }  # fmt: skip
    view = config(lens=lens, mask=[{"name": "m", "points": corners}]).camera[0].view
    assert (view.lens is None) == (lens["model"] == "unknown")


def test_two_cameras_of_one_name_are_refused() -> None:
    one = {"id": "a", "stream": [{"source": "x"}]}
    with pytest.raises(EyespotError, match="two cameras"):
        validate(CameraHostConfig, {"camera": [one, one]}, "test")


def test_every_key_is_described_for_the_form_that_is_drawn_from_the_schema() -> None:
    schema = CameraHostConfig.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    bare = [
        f"{part.get('title')}.{name}"
        for part in parts
        for name, field in part.get("properties", {}).items()
        if not field.get("description")
    ]
    assert bare == []
    json.dumps(schema)


def test_zones_and_lines_are_told_the_same_way_here_and_in_the_rules() -> None:
    for ours, theirs in ((ZoneSettings, Zone), (LineSettings, Line)):
        told = bounds(ours)
        assert {name: told[name] for name in bounds(theirs)} == bounds(theirs)
        assert set(told) - set(bounds(theirs)) <= {"outputs", "pulse_s", "pulse_on"}, "what the rules need not know"


def bounds(model: type[BaseModel]) -> dict[str, Any]:
    """What may be written, without the words about it."""
    fields = model.model_json_schema()["properties"]
    return {
        name: {key: value for key, value in field.items() if key not in ("description", "title")}
        for name, field in fields.items()
    }
