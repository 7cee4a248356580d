"""Whether a service is doing nothing: every thread of every process of it sleeps."""

from pathlib import Path


def all_asleep(first_pid: int) -> bool:
    """Whether no thread of ``first_pid`` and its descendants runs or waits for a disk; True when they are gone.

    A thread that was woken counts as running before it has had its turn: proc_pid_stat(5), field 3.
    """
    waiting = [first_pid]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*"):
            try:
                state = (task / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
                children = (task / "children").read_text().split()
            except (OSError, IndexError):  # the thread ended while it was looked at
                continue
            if state not in "SITZX":
                return False
            waiting += [int(child) for child in children]
    return True
