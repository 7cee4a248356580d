"""What a service's program needs of this host to run: the interpreter, libraries, the packages it may import.

Nothing of it is secret.
"""

import importlib.util
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.services.engines.contract import APP, RUN, SCRATCH

LIB, SITE, PYTHON = "/eyespot/lib", "/eyespot/site", "/eyespot/python"
"""Inside: where the package ``eyespot`` and its libraries are imported from, and where an interpreter of our own is."""
CERTIFICATES = "/eyespot/ca-certificates.crt"
"""Inside: the authorities that this host trusts, for TLS to what a service may reach."""
_TRUSTED = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)  # fmt: skip
"""Where Debian, Fedora, openSUSE and Alpine have them."""
_TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True)
class Runtime:
    """Read-only binds (host folder, place inside), symbolic links (target, place) and variables."""

    binds: tuple[tuple[Path, str], ...]
    links: tuple[tuple[str, str], ...]
    env: dict[str, str]


def host_runtime() -> Runtime:
    """This host's: ``/usr``, the interpreter that runs us where it is elsewhere, and our own packages."""
    binds, links = [(Path("/usr"), "/usr")], []
    for name in _TOP:
        top = Path("/", name)
        if top.is_symlink():
            links.append((str(top.readlink()), f"/{name}"))
        elif top.is_dir():
            binds.append((top, f"/{name}"))
    for place in ("/etc/ld.so.cache", "/etc/alternatives"):
        if Path(place).exists():
            binds.append((Path(place), place))
    binds.append((own_package(), f"{LIB}/eyespot"))
    binds.append((own_libraries(), SITE))
    trusted = trusted_certificates()
    if trusted is not None:
        binds.append((trusted, CERTIFICATES))
    env = environment("/usr/local/bin:/usr/bin:/bin")
    base = Path(sys.base_prefix).resolve()
    if not base.is_relative_to("/usr"):
        binds.append((base, PYTHON))
        env |= {"PATH": f"{PYTHON}/bin:{env['PATH']}", "LD_LIBRARY_PATH": f"{PYTHON}/lib"}
    return Runtime(tuple(binds), tuple(links), env)


def trusted_certificates() -> Path | None:
    """The file of certificate authorities that this host trusts; None where it has none."""
    return next((Path(name) for name in _TRUSTED if Path(name).is_file()), None)


def inside_python() -> str:
    """Where ``host_runtime`` has the interpreter that runs us."""
    binary, base = Path(sys.executable).resolve(), Path(sys.base_prefix).resolve()
    return str(binary) if base.is_relative_to("/usr") else f"{PYTHON}/{binary.relative_to(base)}"


def own_package() -> Path:
    """The folder of the package ``eyespot``, wherever it is installed."""
    spec = importlib.util.find_spec("eyespot")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve().parent


def own_libraries() -> Path:
    """The folder of the libraries that ``eyespot`` imports."""
    return Path(sysconfig.get_path("purelib")).resolve()


def environment(path: str) -> dict[str, str]:
    """Variables that every confined service has."""
    return {
        "PATH": path,
        "PYTHONPATH": f"{LIB}:{SITE}",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        "PWD": APP,
        "LANG": "C.UTF-8",
        "EYESPOT_RUN": RUN,
        "SSL_CERT_FILE": CERTIFICATES,
        # One thread unless the service asks for more: its budget is mostly less than a core, and threads cost memory.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def environment_of_images() -> dict[str, str]:
    """Variables that every service has which is an image: where it finds what it is given. The others are its own."""
    return {"HOME": SCRATCH, "TMPDIR": SCRATCH, "EYESPOT_RUN": RUN, "SSL_CERT_FILE": CERTIFICATES}
