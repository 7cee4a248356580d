"""A service as an OCI image by the real buildah, on a base of this machine's own Python; Debian's: `make oci`."""

import os
import shutil
from pathlib import Path

import pytest

from eyespot.edge.apps_dev.oci.arch import own_arch
from eyespot.edge.apps_dev.oci.build import Image, build_images
from eyespot.edge.apps_dev.scaffold import scaffold

from .image_rig import config_of, host_base, python_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("buildah") is None, reason="images need root and buildah: see docs/limits.md"
    ),
]


def made(folder: Path, into: Path, cache: Path) -> tuple[str, Image]:
    package, (image,) = build_images(folder, into, [own_arch()], cache, lambda line: None, host_base)
    return package.digest, image


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def first(place: Path) -> tuple[str, Image]:
    return made(scaffold("fresh", place), place / "out", place / "cache")


def test_an_image_is_made_and_says_what_it_is(place: Path, first: tuple[str, Image]) -> None:
    digest, image = first
    assert image.path.name == f"fresh-0.1.0-{own_arch().name}.oci.tar"
    assert sorted(one.name for one in image.path.parent.iterdir()) == [image.path.name, "fresh-0.1.0.eyespot-app"]
    assert list((place / "cache" / "oci" / "work").iterdir()) == []
    config = config_of(image.path)
    assert (config["architecture"], config["config"]["User"]) == (own_arch().name, "10001:10001")
    assert config["config"]["Entrypoint"] == ["python3", "-m", "eyespot.sdk.run", "app:App"]
    assert config["config"]["Labels"]["org.eyespot.service.digest"] == f"sha256:{digest}"


def test_the_same_files_give_the_same_digests_and_others_change_one_layer(
    tmp_path: Path, first: tuple[str, Image]
) -> None:
    config = config_of(first[1].path)
    folder = scaffold("fresh", tmp_path)
    _, again = made(folder, tmp_path / "again", tmp_path / "cache")
    assert config_of(again.path) == config, "the digests of all layers among it"
    (folder / "app.py").write_text("# other\n" + (folder / "app.py").read_text())
    _, other = made(folder, tmp_path / "other", tmp_path / "cache")
    before, after = config["rootfs"]["diff_ids"], config_of(other.path)["rootfs"]["diff_ids"]
    assert (len(after), after[:2]) == (3, before[:2]), "base, SDK, service"
    assert after[2] != before[2]


@pytest.mark.skipif(shutil.which("podman") is None or shutil.which("runc") is None, reason="needs podman and runc")
def test_a_service_in_it_finds_the_sdk_and_its_code(first: tuple[str, Image]) -> None:
    code = "import os, nkeys, eyespot.sdk.run, app; print(os.getuid(), eyespot.sdk.__file__, app.App.__name__)"
    assert python_in(first[1].path, code) == "10001 /eyespot/lib/eyespot/sdk/__init__.py App\n"
