"""Images on Debian's base, for both architectures, each run, and this machine's on a host too. Not in `make test` but
`make oci`: minutes, once."""

import os
import shutil
from pathlib import Path

import pytest

from eyespot.edge.apps_dev.oci.arch import ARCHES, own_arch
from eyespot.edge.apps_dev.oci.binfmt import find_qemu, runnable
from eyespot.edge.apps_dev.oci.build import build_images
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import EyespotError

from .image_rig import config_of, python_in
from .service_host import Host, counted

pytestmark = [
    pytest.mark.debian,
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("buildah", "debootstrap", "podman", "runc"))),
        reason="needs root, buildah, debootstrap, podman and runc: see docs/limits.md",
    ),
]
CODE = "import os, nkeys, numpy, eyespot.sdk.run, app; print(os.uname().machine, os.getuid(), numpy.arange(4).sum())"


@pytest.mark.parametrize("name", ARCHES)
def test_an_image_on_debian_runs(name: str, tmp_path: Path) -> None:
    arch = ARCHES[name]
    if arch != own_arch():
        try:
            find_qemu(arch, cache_dir())
        except EyespotError as error:
            pytest.skip(str(error))
    folder = scaffold("fresh", tmp_path)
    _, (image,) = build_images(folder, tmp_path / "out", [arch], cache_dir(), lambda line: None)
    assert config_of(image.path)["architecture"] == name
    said = f"{arch.machine} 10001 6\n"
    if arch == own_arch():
        assert python_in(image.path, CODE) == said
        return
    with runnable(arch, cache_dir()):
        assert python_in(image.path, CODE) == said


def test_an_image_on_debian_gets_frames_and_is_heard_on_a_host(tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    _, (image,) = build_images(folder, tmp_path / "out", [own_arch()], cache_dir(), lambda line: None)
    host = Host(tmp_path / "state")
    try:
        host.installed.install(image.path, "front", settings={"dark_below": 254})
        host.until(lambda: host.state_of("fresh") == "failed" or {one.label for one in counted(host)} or None)
        assert [one.label for one in counted(host)][:1] == ["fresh.dark"], host.store.states("fresh")
        host.installed.remove("fresh")
        host.until(lambda: not list(host.layout.service_images_dir.iterdir()) or None)
    finally:
        host.stop()
