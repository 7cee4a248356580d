"""What podman is told of a service that is an image: nothing of the host but what every service gets, and no wish."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from eyespot.edge.services.engines.contract import Budget, Image, Launch, UidRange
from eyespot.edge.services.engines.launch_check import check
from eyespot.edge.services.engines.podman import Place, run_arguments
from eyespot.kernel.errors import EyespotError

IMAGE = Image("sha256:" + "a" * 64, ("sha256:" + "b" * 64,), Path("/kept.oci.tar"), "c" * 64)


@pytest.fixture
def plain(tmp_path: Path) -> Launch:
    for name in ("code", "run"):
        (tmp_path / name).mkdir()
    budget = Budget(cpu=1.0, memory_mb=64, disk_mb=8)
    command = ("/counter", "a,b", '"', "")
    return Launch("one", command, tmp_path / "code", tmp_path / "scratch", tmp_path / "run", budget, UidRange(1 << 20))


def told(launch: Launch) -> list[str]:
    here = Path("/here")
    return run_arguments(launch, Place("runc", "sha256:it", "me", here, here, here, here, here))


def test_an_image_brings_its_own_files_and_is_confined_like_all(plain: Launch) -> None:
    own, ours = told(replace(plain, image=IMAGE)), told(plain)
    places = {volume.split(":")[1] for option, volume in pairwise(own) if option == "--volume"}
    assert {"/run/eyespot", "/scratch"} <= places <= {"/run/eyespot", "/scratch", "/eyespot/ca-certificates.crt"}
    env = {value.partition("=")[0] for option, value in pairwise(own) if option == "--env"}
    assert env == {"HOME", "TMPDIR", "EYESPOT_RUN", "SSL_CERT_FILE"}
    assert own[-3:-1] == ["--entrypoint", json.dumps(plain.command)]
    assert own[-1] == "sha256:it", "nothing behind it: what the image would start is not asked"
    confinement = ours[ours.index("--uidmap") : ours.index("--volume")]
    assert own[own.index("--uidmap") : own.index("--volume")] == confinement
    for pair in (("--image-volume", "ignore"), ("--systemd", "false"), ("--pull", "never"), ("--user", "10001:10001")):
        assert pair in list(pairwise(own))
    assert "--no-healthcheck" in own


def test_other_engines_refuse_it(plain: Launch) -> None:
    check(replace(plain, image=IMAGE), takes_images=True)
    with pytest.raises(EyespotError, match="containers alone"):
        check(replace(plain, image=IMAGE))
