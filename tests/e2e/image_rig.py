"""What the tests of images need: an archive read, an image run, and a base that needs no Debian mirror."""

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from eyespot.edge.apps_dev.oci.arch import Arch
from eyespot.edge.apps_dev.oci.base import Base, Say
from eyespot.edge.apps_dev.oci.layer import Entry, write_layer
from eyespot.edge.services.engines.images import base_recipe

RUN = ("podman", "run", "--rm", "--quiet", "--runtime", "runc", "--read-only", "--network", "none", "--cap-drop", "all")
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000")


def host_base(arch: Arch, node: bool, work: Path, say: Say) -> Base:
    """A base of this machine's own Python, as the container engine has it."""
    target = work / "base.tar"
    entries = []
    for inside, file in base_recipe().files.items():
        entries.append(Entry(inside.lstrip("/"), file, 0o755 if file.stat().st_mode & 0o111 else 0o644))
    write_layer(entries, target)
    return Base(target, sys.version_info[:2], {"LD_LIBRARY_PATH": "/eyespot/python/lib"})


def config_of(archive: Path) -> dict[str, Any]:
    """The configuration of the one image in an OCI archive."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> Any:
            content = tar.extractfile(name)
            assert content is not None
            return json.loads(content.read())

        def blob(digest: str) -> Any:
            return read(f"blobs/{digest.replace(':', '/')}")

        (listed,) = read("index.json")["manifests"]
        config: dict[str, Any] = blob(blob(listed["digest"])["config"]["digest"])
        return config


def python_in(archive: Path, code: str) -> str:
    """What ``python3 -c CODE`` prints in the image, without network, rights or a writable root."""
    with tempfile.TemporaryDirectory(prefix="oci-") as store:  # podman takes no long path
        own = ("--root", f"{store}/storage", "--runroot", f"{store}/run", "--storage-driver", "vfs")
        command = [RUN[0], *own, *RUN[1:], *LIMITS, "--entrypoint", "python3", f"oci-archive:{archive}", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout
