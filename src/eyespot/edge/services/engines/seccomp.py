"""Which system calls a confined service may make: one rule for both engines, told here as data.

Allowed is what containers-common allows an ordinary container (``syscalls.tsv``), less what ``FORBIDDEN`` names. Four
calls depend on their arguments: ``clone`` makes threads and processes but no namespace, ``clone3`` does not exist
(its flags lie in memory that a filter cannot read; glibc then falls back to ``clone``), ``socket`` and ``socketpair``
know AF_UNIX alone.

Sources: seccomp(2), clone(2); /usr/share/containers/seccomp.json of containers-common.
"""

import errno
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from eyespot.kernel.errors import invalid, not_found

AF_UNIX = 1
NAMESPACE_FLAGS = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of clone(2)."""
_FORBIDDEN = (
    # namespaces and mounts
    "unshare setns mount umount umount2 mount_setattr fsopen fsconfig fsmount fspick move_mount open_tree",
    "pivot_root chroot",
    # keys of the kernel, other processes
    "keyctl add_key request_key ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp",
    # large doors into the kernel
    "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register fanotify_init fanotify_mark",
    # files by handle, other execution domains, the machine itself
    "name_to_handle_at open_by_handle_at personality modify_ldt syslog acct reboot memfd_secret",
    # 32-bit doors, whose arguments cannot be looked at
    "socketcall",
)
FORBIDDEN = frozenset(name for line in _FORBIDDEN for name in line.split())
CONDITIONAL = frozenset({"clone", "clone3", "socket", "socketpair"})
CONTAINERS_PROFILE = Path("/usr/share/containers/seccomp.json")
MACHINES = {"x86_64": ("SCMP_ARCH_X86_64", "amd64"), "aarch64": ("SCMP_ARCH_AARCH64", "arm64")}
"""Machine as uname(2) says it → libseccomp's name and the profile's."""


@cache
def syscall_table() -> dict[str, tuple[int | None, int | None]]:
    """Every call that is allowed without a condition → its number on x86-64 and on arm64, None where it has none."""
    return _table("syscalls.tsv")


@cache
def refused_table() -> dict[str, tuple[int | None, int | None]]:
    """Every call with a name that is never allowed, whatever its arguments; numbers as in ``syscall_table``."""
    return _table("refused_syscalls.tsv")


def _table(file: str) -> dict[str, tuple[int | None, int | None]]:
    text = files(__package__).joinpath(file).read_text(encoding="ascii")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {name: (_number(x86_64), _number(arm64)) for name, x86_64, arm64 in rows}


def podman_profile(machine: str, installed: Path = CONTAINERS_PROFILE, listener: Path | None = None) -> dict[str, Any]:
    """The profile for ``podman --security-opt seccomp=``, made from the ``installed`` one.

    With a ``listener`` (a Unix socket that listens), what is refused by name is told to whoever gets the filter's
    listener there, from the OCI runtime; a call without a name gets its error from the kernel as before.

    Raises ``NOT_FOUND`` without an installed one, ``INVALID`` when it is not understood or the machine is unknown.
    """
    if machine not in MACHINES:
        raise invalid(f"No system call filter is known for {machine}.", f"It is for {' and '.join(MACHINES)}.")
    try:
        document = json.loads(installed.read_text(encoding="utf-8"))
        names = _allowed_without_rights(document["syscalls"], MACHINES[machine][1])
    except FileNotFoundError as error:
        raise not_found(f"There is no {installed}.", "Install containers-common (with podman).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise invalid(f"{installed} is not a seccomp profile that is understood ({error!r}).") from error
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.ENOSYS,
        "archMap": [{"architecture": MACHINES[machine][0], "subArchitectures": []}],
        "syscalls": [
            _rule("SCMP_ACT_ALLOW", names),
            _rule("SCMP_ACT_ALLOW", {"clone"}, "SCMP_CMP_MASKED_EQ", NAMESPACE_FLAGS),
            _rule("SCMP_ACT_ALLOW", {"socket"}, "SCMP_CMP_EQ", AF_UNIX),
            _rule("SCMP_ACT_ALLOW", {"socketpair"}, "SCMP_CMP_EQ", AF_UNIX),
            *(_refusing() if listener is None else _telling(names)),
        ],
        **({} if listener is None else {"listenerPath": str(listener)}),
    }


def _refusing() -> Iterator[dict[str, Any]]:
    yield {**_rule("SCMP_ACT_ERRNO", FORBIDDEN), "errnoRet": errno.EPERM}


def _telling(allowed: set[str]) -> Iterator[dict[str, Any]]:
    """The same refusals for a listener; names that the runtime does not know are left out by it."""
    yield _rule("SCMP_ACT_NOTIFY", (FORBIDDEN | set(refused_table())) - allowed - CONDITIONAL)
    for name in ("socket", "socketpair"):
        yield _rule("SCMP_ACT_NOTIFY", {name}, "SCMP_CMP_NE", AF_UNIX)
    for bit in range(32):
        if flag := NAMESPACE_FLAGS & 1 << bit:
            yield _rule("SCMP_ACT_NOTIFY", {"clone"}, "SCMP_CMP_MASKED_EQ", flag, flag)


def _allowed_without_rights(rules: list[dict[str, Any]], arch: str) -> set[str]:
    """Names that an installed profile allows a container without capabilities, whatever the arguments."""
    names: set[str] = set()
    for rule in rules:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        fits = arch in includes.get("arches", [arch]) and arch not in excludes.get("arches", [])
        free = not includes.get("caps") and not excludes.get("caps") and not rule.get("args")
        if rule["action"] == "SCMP_ACT_ALLOW" and fits and free:
            names |= set(rule["names"])
    return names - FORBIDDEN - CONDITIONAL


def _rule(
    action: str, names: set[str] | frozenset[str], op: str = "", value: int = 0, value_two: int = 0
) -> dict[str, Any]:
    args = [{"index": 0, "value": value, "valueTwo": value_two, "op": op}] if op else []
    return {"action": action, "names": sorted(names), "args": args}


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)
