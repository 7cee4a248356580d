"""The toolchains' own Python environments: made on first use, in the cache, apart from Eyespot's.

Owns installing and running. They are large (LiteRT's about 2 GB) and pin what Eyespot must not: nothing of them is
imported here, a process is started and its output read.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.kernel.errors import EyespotError, unavailable

TOOLCHAINS = {
    "litert": ("torch==2.13.0", "litert-torch==0.10.0", "ai-edge-quantizer==0.10.0", "ai-edge-litert==2.3.0"),
    "vela": ("ethos-u-vela==5.2.0",),
}
"""Name → what is installed. PyTorch BSD-3-Clause; the others Apache-2.0. litert-torch refuses later PyTorch."""
SCRIPTS = Path(__file__).parent / "tools"
INSTALL_LIMIT_S, RUN_LIMIT_S = 3600.0, 1800.0
_STEP = "step "
_MAX_SAID = 600

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """An installed environment; ``folder`` holds its ``bin``."""

    name: str
    folder: Path

    def program(self, name: str) -> str:
        """Path of the environment's program ``name``."""
        return str(self.folder / "bin" / name)

    def run(self, what: str, command: Sequence[str], say: Say, limit_s: float = RUN_LIMIT_S) -> str:
        """Run ``command`` and return what it printed; lines ``step TEXT`` are told to ``say``.

        Raises:
            EyespotError: ``UNAVAILABLE`` naming ``what``, the step that failed and what the tool said.
        """
        return _run(what, command, say, limit_s, f"Its environment is {self.folder}: remove it to install it anew.")


def environment(cache: Path, name: str) -> Path:
    """Where toolchain ``name`` is or will be: the folder's name changes with what is installed."""
    digest = hashlib.sha256("\n".join(TOOLCHAINS[name]).encode()).hexdigest()[:12]
    return cache / "compile" / f"{name}-{digest}"


def is_installed(cache: Path, name: str) -> bool:
    """True when toolchain ``name`` is complete."""
    return (environment(cache, name) / "ready").exists()


def toolchain(cache: Path, name: str, say: Say) -> Toolchain:
    """Toolchain ``name``, installed when it is not there.

    Raises:
        EyespotError: ``UNAVAILABLE`` when it cannot be installed; nothing half-made is left.
    """
    folder = environment(cache, name)
    if not (folder / "ready").exists():
        packages = TOOLCHAINS[name]
        say(f"installing {packages[0]} and others into an environment of their own (once, minutes)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            advice = "Check the network and the disk, and try again."
            venv = [sys.executable, "-m", "venv", "--clear", str(folder)]
            _run(f"making an environment for {name}", venv, say, INSTALL_LIMIT_S, advice)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run(f"installing {name}", [*pip, *packages], say, INSTALL_LIMIT_S, advice)
        except BaseException:  # whatever ends the installation, half of one must not be taken for one
            shutil.rmtree(folder, ignore_errors=True)
            raise
        (folder / "ready").touch()
    return Toolchain(name, folder)


def _run(what: str, command: Sequence[str], say: Say, limit_s: float, advice: str) -> str:
    lines: list[str] = []
    step = ""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        try:
            child = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        except OSError as error:
            raise unavailable(f"{_capital(what)} failed: {command[0]}: {error.strerror}.", advice) from error
        late = threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(limit_s, stop)
        timer.start()
        try:
            for line in child.stdout or ():
                if line.startswith(_STEP):
                    step = line[len(_STEP) :].strip()[:100]
                    say(step)
                else:
                    lines.append(line)
            child.wait()
        finally:
            timer.cancel()
            child.kill()
            child.communicate()
        if child.returncode:
            errors.seek(0)
            raise _failure(what, step, errors.read(), late=late.is_set(), limit_s=limit_s, advice=advice)
    return "".join(lines)


def _failure(what: str, step: str, said: str, *, late: bool, limit_s: float, advice: str) -> EyespotError:
    at = f" at step '{step}'" if step else ""
    if late:
        return unavailable(f"{_capital(what)} did not end within {limit_s:.0f} s{at}.", advice)
    last = [line.strip() for line in said.splitlines() if line.strip()][-3:]
    return unavailable(f"{_capital(what)} failed{at}: {' '.join(last)[-_MAX_SAID:] or 'it said nothing'}", advice)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
