"""Loads a runtime, or opens a model as vision would, in a process of its own: what crashes or hangs there ends there.

Usage of the process: python -m eyespot.edge.doctor_trial runtime ACCELERATOR, or … package FOLDER VARIANT ACCELERATOR
(either name may be empty). Its last line is JSON: ``{"ok": TEXT}``, or ``kind``, ``what`` and ``todo`` of an error.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyespot.edge.child import exit_text
from eyespot.kernel.errors import EyespotError, Kind, unavailable

LIMIT_S = 20.0
"""A second is usual; a small board with a cold SD card takes several."""
GREY = 114


def try_runtime(accelerator: str, *, limit_s: float = LIMIT_S) -> None:
    """Load the runtime of ``accelerator``; raises ``UNAVAILABLE`` with what failed, a crash and a hang included."""
    _ask(("runtime", accelerator), limit_s)


def try_package(folder: Path, variant: str, accelerator: str, *, limit_s: float = LIMIT_S) -> str:
    """Open the package in ``folder`` and run it once; the reason why it runs where it does.

    Args:
        variant, accelerator: names to insist on; empty: the best there is.

    Raises:
        EyespotError: what opening and running raised, ``UNAVAILABLE`` where the process crashed or hung.
    """
    return _ask(("package", str(folder), variant, accelerator), limit_s)


def _ask(words: Sequence[str], limit_s: float) -> str:
    command = [sys.executable, "-m", "eyespot.edge.doctor_trial", *words]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise unavailable(f"It did not load within {limit_s:g} s.", "Look at its driver and libraries.") from None
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
        if "ok" in answer:
            return str(answer["ok"])
        raise EyespotError(Kind[answer["kind"]], answer["what"], answer["todo"])
    except (IndexError, ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines()[-1:]
        text = f"Its process ended unasked ({exit_text(done.returncode)}){': ' + said[0][:300] if said else ''}."
        raise unavailable(text, "Look at its driver and libraries, or install the runtime again.") from None


def _load_runtime(name: str) -> str:
    """A file that is no model is refused by the runtime itself, so only once that has loaded."""
    from eyespot.hal.accelerators.chooser import find_accelerator

    accelerator = find_accelerator(name)
    with tempfile.TemporaryDirectory(prefix="eyespot-doctor-") as folder:
        nothing = Path(folder) / f"nothing{accelerator.formats[0]}"
        nothing.write_bytes(b"")
        try:
            accelerator.load(nothing, 1).close()
        except EyespotError as error:
            if error.kind is not Kind.INVALID:
                raise
    return name


def _open_package(folder: str, variant: str, accelerator: str) -> str:
    from eyespot.infer.package import ModelPackage
    from eyespot.infer.session import open_session

    session = open_session(ModelPackage.load(Path(folder)), variant=variant or None, accelerator=accelerator or None)
    session.run(np.full((*session.input_px, 3), GREY, np.uint8), borrow=True)
    session.close()
    return session.choice.reason


def main() -> None:
    """Try, and print what came of it."""
    try:
        what, *words = sys.argv[1:]
        answer = {"ok": _load_runtime(*words) if what == "runtime" else _open_package(*words)}
    except EyespotError as error:
        answer = {"kind": error.kind.name, "what": error.what, "todo": error.todo}
    except Exception as error:  # noqa: BLE001 - a broken runtime raises anything; it is what is looked for here
        answer = {"kind": "UNAVAILABLE", "what": f"{type(error).__name__}: {str(error)[:300]}", "todo": ""}
    print(f"\n{json.dumps(answer)}", flush=True)


if __name__ == "__main__":
    main()
