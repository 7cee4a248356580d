"""What the packages carry beside the program: the configuration, the model's document, the maintainer scripts."""

import subprocess
import tomllib
from pathlib import Path

import pytest
from load_script import load

from eyespot.edge.config_file import load_config

DEBIAN = Path(__file__).parents[3] / "packaging" / "debian"


def test_the_first_configuration_is_in_order_and_keeps_to_this_machine() -> None:
    config = load_config(DEBIAN / "config.toml")
    assert config.web.bind == "127.0.0.1"
    assert list(config.camera) == []
    assert str(config.vision.models) == "/usr/share/eyespot/models"


def test_a_packaged_model_claims_no_speed_measured_elsewhere() -> None:
    text = """name = "m"
[[variants]]
name = "a"
[variants.accuracy]
frames = 34
[[variants.latency]]
ms = 30.5
[[variants]]
name = "b"
"""
    document = tomllib.loads(load("deb_model").without_speeds(text))
    assert document == {"name": "m", "variants": [{"name": "a", "accuracy": {"frames": 34}}, {"name": "b"}]}


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_maintainer_scripts_stop_at_the_first_error_and_parse(name: str) -> None:
    script = DEBIAN / name
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\nset -e\n")
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_footage_is_deleted_on_purge_alone() -> None:
    remove, purge = (DEBIAN / "postrm").read_text(encoding="utf-8").split("purge)")
    assert "rm " not in remove
    assert 'rm -rf --one-file-system "$folder"' in purge
    assert "rm " not in (DEBIAN / "prerm").read_text(encoding="utf-8")
