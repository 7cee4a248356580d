"""Inside of bubblewrap, last before the service: installs its system call filter, hands the filter's listener to the
host, and becomes the service. ``python3 -I -S telling_launcher.py FD COMMAND…``

Run as a script by the interpreter alone, so it imports nothing of ours. FD is a SEQPACKET socket; the host has written
two programs to it: one that leaves refusals to a listener, and one that refuses by itself, for where the kernel does
not give out a listener (another one is above us). Answered is the listener, or in words why there is none. Without a
filter nothing is started. bubblewrap has set ``no_new_privs`` and installed the first program too, without a listener,
so that what comes before this is held as well.

Sources: seccomp(2), linux/seccomp.h; the numbers of seccomp(2) from unistd.h.
"""

import ctypes
import os
import socket
import sys

SECCOMP = {"x86_64": 317, "aarch64": 277}
SET_MODE_FILTER, NEW_LISTENER = 1, 8
INSTRUCTION_BYTES = 8
MOST_BYTES = 1 << 16
FIRST_OTHER, FD_END = 3, 1 << 16
"""What else was inherited is closed: the host's event loop lets copies of standard output and error through."""
NOT_STARTED, NOT_FOUND = 126, 127
"""Exit statuses, as a shell has them."""


class Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def install(code: bytes, flags: int) -> int:
    """What seccomp(2) returns: the listener where asked for; raises ``OSError``."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(code) // INSTRUCTION_BYTES, code)
    number = ctypes.c_long(SECCOMP[os.uname().machine])
    result: int = libc.syscall(number, SET_MODE_FILTER, ctypes.c_ulong(flags), ctypes.byref(program))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def hand_over(host: socket.socket) -> None:
    """Install, and tell the host; raises ``OSError`` when there is no filter."""
    telling, refusing = host.recv(MOST_BYTES), host.recv(MOST_BYTES)
    try:
        listener = install(telling, NEW_LISTENER)
    except OSError as error:
        install(refusing, 0)
        host.send(f"the kernel gives no listener ({error.strerror})".encode())
        return
    socket.send_fds(host, [b"listener"], [listener])
    os.close(listener)


def main(fd: int, command: list[str]) -> None:
    """Does not return."""
    try:
        with socket.socket(fileno=fd) as host:
            hand_over(host)
    except OSError as error:
        sys.stderr.write(f"the system call filter cannot be installed: {error.strerror}\n")
        os._exit(NOT_STARTED)
    os.closerange(FIRST_OTHER, FD_END)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        os._exit(NOT_FOUND)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
