"""What an image is called and says of itself; nothing is run."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from eyespot.contracts.service import Manifest, read_manifest
from eyespot.edge.apps_dev.oci.arch import ARCHES, parse_arches
from eyespot.edge.apps_dev.oci.image import archive_name, config_arguments, entrypoint, labels, needs_node
from eyespot.edge.apps_dev.package import build
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.kernel.errors import EyespotError, Kind

AMD64, ARM64 = ARCHES["amd64"], ARCHES["arm64"]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read_manifest(scaffold("fresh", tmp_path))


def about(manifest: Manifest, **changes: object) -> Manifest:
    return manifest.model_copy(update={"service": manifest.service.model_copy(update=changes)})


def test_an_archive_tells_name_version_and_architecture(manifest: Manifest) -> None:
    assert archive_name(manifest, AMD64) == "fresh-0.1.0-amd64.oci.tar"
    assert archive_name(about(manifest, version="2.0.1-rc.1"), ARM64) == "fresh-2.0.1-rc.1-arm64.oci.tar"


def test_labels_name_the_service_and_the_package_it_is_made_of(manifest: Manifest) -> None:
    told = labels(about(manifest, summary="Says,\nwhen = dark.", vendor=""), "ab" * 32, "[service]\nname = 'x'\n")
    assert told["org.eyespot.service.manifest"] == "[service]\nname = 'x'\n", "as it is"
    assert told["org.eyespot.service.name"] == "fresh"
    assert told["org.eyespot.service.version"] == told["org.opencontainers.image.version"] == "0.1.0"
    assert told["org.eyespot.service.digest"] == f"sha256:{'ab' * 32}"
    assert told["org.opencontainers.image.description"] == "Says, when = dark.", "one line"
    assert "org.opencontainers.image.vendor" not in told, "nothing is said where nothing is known"


def test_it_starts_as_under_the_container_engine(manifest: Manifest) -> None:
    assert entrypoint(manifest) == ("python3", "-m", "eyespot.sdk.run", "app:App")
    node = about(manifest, python="", command=("node", "main.mjs"))
    assert (entrypoint(node), needs_node(node), needs_node(manifest)) == (("node", "main.mjs"), True, False)
    words = list(config_arguments(manifest, ARM64, "ab", "", {"SSL_CERT_FILE": "/there"}))
    said = list(pairwise(words))
    assert ("--entrypoint", json.dumps(["python3", "-m", "eyespot.sdk.run", "app:App"])) in said
    for pair in (("--arch", "arm64"), ("--user", "10001:10001"), ("--workingdir", "/app")):
        assert pair in said
    env = [value for option, value in said if option == "--env"]
    assert "PYTHONPATH=/eyespot/lib:/eyespot/site" in env
    assert [one for one in env if one.startswith("SSL_CERT_FILE")] == ["SSL_CERT_FILE=/there"], "the base's own"


def test_architectures_are_taken_once_each_and_others_refused() -> None:
    assert parse_arches("arm64, amd64,arm64") == (ARM64, AMD64)
    for text, said in (("riscv64", "no architecture 'riscv64'"), (" , ", "No architecture")):
        with pytest.raises(EyespotError, match=said) as raised:
            parse_arches(text)
        assert raised.value.kind is Kind.INVALID


def test_images_beside_a_service_are_not_packed_with_it(tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    digest = build(folder, folder).digest
    (folder / "fresh-0.1.0-amd64.oci.tar").write_bytes(b"an image")
    (folder / ".fresh-0.1.0-amd64.oci.tar.new").write_bytes(b"half an image")
    assert build(folder, folder).digest == digest
