"""What the tests of images need: an archive read, an image run, and a base that needs no Debian mirror."""

import json
import shutil
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
VENDOR = Path(__file__).parents[2] / "examples" / "vendor-image"
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000")


def host_base(arch: Arch, node: bool, work: Path, say: Say) -> Base:
    """A base of this machine's own Python, as the container engine has it."""
    target = work / "base.tar"
    entries = []
    for inside, file in base_recipe().files.items():
        entries.append(Entry(inside.lstrip("/"), file, 0o755 if file.stat().st_mode & 0o111 else 0o644))
    write_layer(entries, target)
    return Base(target, sys.version_info[:2], {"LD_LIBRARY_PATH": "/eyespot/python/lib"})


def vendor_image(folder: Path, version: str = "1.0.0") -> Path:
    """An archive of the example of a vendor's image, made in ``folder`` (new) by the commands that its page tells."""
    shutil.copytree(VENDOR, folder)
    for name in ("brightness.c", "service.toml"):
        text = (folder / name).read_text().replace("1.0.0", version)
        (folder / name).write_text(text.replace("../frame-reader-c", str(VENDOR.with_name("frame-reader-c"))))
    page = (VENDOR / "README.md").read_text()
    commands = page.split("```sh\n")[1].split("```")[0].splitlines()
    script = "\n".join(line for line in commands if not line.startswith("eyespot "))
    own = f'buildah() {{ command buildah --root {folder}/storage --runroot {folder}/run --storage-driver vfs "$@"; }}'
    done = subprocess.run(["bash", "-ec", f"{own}\n{script}"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("*.oci.tar")
    return archive


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
    # podman takes no long path; its monitor may still write there when the container has ended.
    with tempfile.TemporaryDirectory(prefix="oci-", ignore_cleanup_errors=True) as store:
        own = ("--root", f"{store}/storage", "--runroot", f"{store}/run", "--storage-driver", "vfs")
        command = [RUN[0], *own, *RUN[1:], *LIMITS, "--entrypoint", "python3", f"oci-archive:{archive}", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout
