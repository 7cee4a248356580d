"""Runs a program under what a systemd unit does to a process, as far as one can without systemd.

``python3 sandboxed.py JSON COMMAND…``: system calls (``allow``, by name), families of sockets (``families``). The user,
capabilities, user namespace and mounts are for the caller. By libseccomp, as systemd does it. systemd.exec(5).
"""

import ctypes
import errno
import json
import os
import sys

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
EQUAL = 4


class Compare(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def confine(allow: list[str], families: list[int]) -> None:
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(REFUSE)))
    for name in allow:
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue
        if name == "socket":
            for family in families:
                rule = (Compare * 1)(Compare(0, EQUAL, family, 0))
                lib.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, ctypes.c_uint(1), rule)
        else:
            lib.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, ctypes.c_uint(0), None)
    if lib.seccomp_load(context):
        raise SystemExit("the filter cannot be loaded")


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    confine(told["allow"], told["families"])
    os.execvp(sys.argv[2], sys.argv[2:])
