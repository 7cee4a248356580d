"""System calls that a confined service must not get through to the kernel."""

import ctypes
import errno
import os
import platform
import signal
from collections.abc import Callable
from functools import partial

LIBC = ctypes.CDLL(None, use_errno=True)
REFUSED = {errno.EPERM, errno.ENOSYS, errno.EACCES}
NUMBERS = {  # unistd.h: x86-64, arm64
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "ptrace": (101, 117), "bpf": (321, 280),
    "process_vm_readv": (310, 270), "pidfd_getfd": (438, 438), "kcmp": (312, 272), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "fsopen": (430, 430),
    "open_tree": (428, 428), "move_mount": (429, 429), "clone": (56, 220), "clone3": (435, 435),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "personality": (135, 92), "syslog": (103, 116),
    "init_module": (175, 105), "finit_module": (313, 273), "kexec_load": (246, 104), "swapon": (167, 224),
    "reboot": (169, 142), "acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170),
    "sethostname": (170, 161), "fanotify_init": (300, 262), "vhangup": (153, 58),
}  # fmt: skip


def attempts() -> dict[str, Callable[[], str]]:
    """One attempt for each call; most have no real arguments, which the kernel would notice only on looking."""
    return {f"call_{name}": partial(_call, name, *CALLS.get(name, (None,) * 5)) for name in NUMBERS}


def _call(name: str, *arguments: object) -> str:
    """Nothing where the call is refused; what came back where it was looked at."""
    number = NUMBERS[name][platform.machine() == "aarch64"]
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *arguments)
    if result == 0 and name == "clone" and os.getppid() != _PARENT:
        os._exit(0)  # the child that should not have been
    error = ctypes.get_errno()
    return "" if result == -1 and error in REFUSED else f"{name} gave {result}, {errno.errorcode.get(error, error)}"


_PARENT = os.getppid()
NEW_USER = 0x10000000
CALLS: dict[str, tuple[object, ...]] = {
    "unshare": (NEW_USER,),
    "clone": (ctypes.c_ulong(NEW_USER | signal.SIGCHLD), None, None, None, None),
    "clone3": (None, ctypes.c_size_t(0)),
    "personality": (ctypes.c_ulong(0xFFFFFFFF),),
    "add_key": (b"user", b"hostile", b"x", ctypes.c_size_t(1), -2),
    "request_key": (b"user", b"hostile", None, -2),
    "keyctl": (0, -3, 0),
    "perf_event_open": (None, 0, -1, -1, 0),
    "mount": (b"none", b"/scratch", b"tmpfs", ctypes.c_ulong(0), None),
    "chroot": (b"/scratch",),
    "syslog": (10, None, 0),
    "sethostname": (b"owned", ctypes.c_size_t(5)),
}
