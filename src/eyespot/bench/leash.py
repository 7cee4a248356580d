"""Child processes of a benchmark that never outlive it, however it ends: a forgotten one disturbs the next figures.

`start` runs this very file as a launcher, which asks the kernel for SIGKILL at its parent's death (prctl(2),
PR_SET_PDEATHSIG) and becomes the command. The wish survives that exec, and nothing of ours runs between fork and exec.
Processes that the command starts are its own business: a camera host has the same hold on its children.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

_PR_SET_PDEATHSIG, _SIGKILL = 1, 9
_NOT_STARTED = 127


def start(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    """As ``subprocess.Popen(command, **options)``, on the leash; a missing program ends with status 127.

    Call it from the main thread: the kernel takes the end of the thread that forked for the parent's death.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a leashed process started by another thread would die with that thread")
    return subprocess.Popen([sys.executable, "-I", "-S", __file__, str(os.getpid()), *command], **options)


def output(command: Sequence[str], limit_s: float) -> "subprocess.CompletedProcess[str]":
    """Run ``command`` on the leash to its end and catch what it prints; past ``limit_s`` it is killed.

    Raises ``subprocess.TimeoutExpired``.
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(command, text=True, **pipes) as child:
        try:
            printed, said = child.communicate(timeout=limit_s)
        finally:
            child.kill()
    return subprocess.CompletedProcess(list(command), child.returncode, printed, said)


def _launch(parent: int, command: list[str]) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the wish was made
        sys.exit(_NOT_STARTED)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr)
        sys.exit(_NOT_STARTED)


if __name__ == "__main__":
    _launch(int(sys.argv[1]), sys.argv[2:])
