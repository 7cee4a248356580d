"""`[[output]]`: what it takes, and what is refused before any wire is touched."""

from typing import Any

import pytest

from eyespot.edge.config import CameraHostConfig
from eyespot.hal.outputs.contract import OutputSettings
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError


def config(*outputs: dict[str, Any]) -> CameraHostConfig:
    return validate(CameraHostConfig, {"output": list(outputs)}, "test")


def test_a_relay_by_number_and_one_by_name() -> None:
    made = config({"name": "gate", "line": 17, "active_low": True}, {"name": "lamp", "line": "RELAY1", "rest": True})
    assert made.output[0].wire == OutputSettings("gate", "/dev/gpiochip0", 17, active_low=True)
    assert made.output[1].wire == OutputSettings("lamp", "/dev/gpiochip0", "RELAY1", rest=True)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([{"name": "Gate!", "line": 1}], "a-z, 0-9"),
        ([{"name": "gate"}], "needs a line"),
        ([{"name": "gate", "line": -1}], "line"),
        ([{"name": "gate", "line": 4096}], "line"),
        ([{"name": "gate", "line": ""}], "line"),
        ([{"name": "gate", "line": 1, "chip": "gpiochip0"}], "chip"),
        ([{"name": "gate", "line": 1, "kind": "relay"}], "simulated"),
        ([{"name": "gate", "line": 1, "pulse_s": 4000}], "pulse_s"),
        ([{"name": "a", "kind": "simulated"}, {"name": "a", "kind": "simulated"}], "two outputs are called 'a'"),
        ([{"name": "a", "line": 1}, {"name": "b", "line": 1}], "both line 1 of /dev/gpiochip0"),
        ([{"name": f"o{n}", "kind": "simulated"} for n in range(33)], "at most 32"),
    ],
)
def test_mistakes_are_named(outputs: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(EyespotError, match=said):
        config(*outputs)
