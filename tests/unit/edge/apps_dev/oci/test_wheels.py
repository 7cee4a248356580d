"""The SDK's libraries: which they are, and what of a wheel goes into an image."""

import importlib.metadata
import zipfile
from pathlib import Path

from eyespot.edge.apps_dev.oci.wheels import fetched_entries, installed_entries, is_native, libraries


def test_they_are_what_the_sdk_needs_and_no_more() -> None:
    found = {one.metadata["Name"].lower().replace("_", "-"): one for one in libraries()}
    assert {"numpy", "pydantic", "pydantic-core", "nats-py", "nkeys", "cffi"} <= set(found)
    assert not {"av", "openvino", "onnxruntime", "fastapi", "pytest"} & set(found), "extras are the camera's"
    assert is_native(found["numpy"])
    assert not is_native(found["nats-py"])


def test_what_tells_of_this_installation_stays_here() -> None:
    names = [entry.name for entry in installed_entries(importlib.metadata.distribution("pydantic"), "eyespot/site")]
    assert "eyespot/site/pydantic/__init__.py" in names
    assert not [name for name in names if name.endswith(("RECORD", "INSTALLER", ".pyc", "direct_url.json"))]


def test_a_wheel_is_laid_out_as_if_it_were_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "one-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("one/a.py", "one-1.data/purelib/two.py", "one-1.data/scripts/prog", "one-1.dist-info/RECORD"):
            archive.writestr(name, name)
        archive.writestr("../../etc/passwd", "out")
    assert [entry.name for entry in fetched_entries(wheel, "site")] == ["site/one/a.py", "site/two.py"]
