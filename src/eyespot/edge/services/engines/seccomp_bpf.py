"""The system call rule as a classic BPF program, for bubblewrap's ``--seccomp``.

Small on purpose: a load, four tests and a return; every jump is short and forward, and each block ends in a return.

Sources: seccomp(2) (``struct seccomp_data``), linux/bpf_common.h, linux/audit.h; clone and socket numbers from
unistd.h.
"""

import errno
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from eyespot.edge.services.engines.seccomp import AF_UNIX, NAMESPACE_FLAGS, syscall_table
from eyespot.kernel.errors import invalid

LOAD, JUMP_EQUAL, JUMP_GREATER, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
"""BPF_LD|W|ABS, BPF_JMP|{JEQ,JGT,JGE,JSET}|K and BPF_RET|K."""
ALLOW, KILL_PROCESS, ERRNO, USER_NOTIF = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000
NUMBER_AT, ARCH_AT, ARG0_LOW_AT, ARG0_HIGH_AT = 0, 4, 16, 20
"""Offsets in ``struct seccomp_data`` on little-endian machines, which both of ours are."""
X32_BIT = 0x40000000


@dataclass(frozen=True, slots=True)
class Abi:
    """Numbers of one machine; ``column`` is its in ``seccomp.syscall_table``."""

    audit_arch: int
    column: int
    clone: int
    socket: int
    socketpair: int


_ABIS = {
    "x86_64": Abi(audit_arch=0xC000003E, column=0, clone=56, socket=41, socketpair=53),
    "aarch64": Abi(audit_arch=0xC00000B7, column=1, clone=220, socket=198, socketpair=199),
}
CLONE3, LAST_KNOWN = 435, 461
"""Same on both.

Numbers above the last (Linux 6.8's lsm_list_modules) are calls nobody looked at: ENOSYS, so programs fall back.
"""

Instruction = tuple[int, int, int, int]
"""Code, jump when true, jump when false, operand."""


def abi_of(machine: str) -> Abi:
    """The numbers of ``machine`` (as uname(2) says it); raises ``INVALID`` where none are known."""
    abi = _ABIS.get(machine)
    if abi is None:
        raise invalid(f"No system call filter is known for {machine}.", f"It is for {' and '.join(_ABIS)}.")
    return abi


def program(machine: str, *, telling: bool = False) -> bytes:
    """The filter for ``machine`` (as uname(2) says it) as an array of ``struct sock_filter``; raises ``INVALID``.

    Args:
        telling: what is refused is left to the filter's listener (``SECCOMP_RET_USER_NOTIF``), which answers with the
            same error; without a listener the kernel answers ENOSYS. ``clone3`` is not told: every program tries it.
    """
    refuse = (lambda _: USER_NOTIF) if telling else (lambda error: ERRNO | error)
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in _instructions(abi_of(machine), refuse))


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Sorted, inclusive runs of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _instructions(abi: Abi, refuse: Callable[[int], int]) -> Iterator[Instruction]:
    yield LOAD, 0, 0, ARCH_AT
    yield JUMP_EQUAL, 1, 0, abi.audit_arch
    yield RETURN, 0, 0, KILL_PROCESS
    yield LOAD, 0, 0, NUMBER_AT
    yield from _unless(JUMP_ANY_BIT, X32_BIT, refuse(errno.ENOSYS))
    yield from _unless(JUMP_EQUAL, CLONE3, ERRNO | errno.ENOSYS)
    yield from _unless(JUMP_GREATER, LAST_KNOWN, refuse(errno.ENOSYS))
    yield from _clone(abi.clone, refuse(errno.EPERM))
    for number in (abi.socket, abi.socketpair):
        yield from _unix_socket(number, refuse(errno.EAFNOSUPPORT))
    allowed = (row[abi.column] for row in syscall_table().values())
    for first, last in ranges(number for number in allowed if number is not None):
        yield JUMP_AT_LEAST, 0, 2, first
        yield JUMP_GREATER, 1, 0, last
        yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, refuse(errno.EPERM)


def _unless(test: int, operand: int, verdict: int) -> Iterator[Instruction]:
    """Return ``verdict`` where the test holds, else go on."""
    yield test, 0, 1, operand
    yield RETURN, 0, 0, verdict


def _clone(number: int, verdict: int) -> Iterator[Instruction]:
    """Processes and threads yes, namespaces no."""
    yield JUMP_EQUAL, 0, 4, number
    yield LOAD, 0, 0, ARG0_LOW_AT
    yield JUMP_ANY_BIT, 1, 0, NAMESPACE_FLAGS
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, verdict


def _unix_socket(number: int, verdict: int) -> Iterator[Instruction]:
    """AF_UNIX alone; the upper half must be empty, so that nothing is told to the filter that the kernel does not
    see.
    """
    yield JUMP_EQUAL, 0, 6, number
    yield LOAD, 0, 0, ARG0_HIGH_AT
    yield JUMP_EQUAL, 0, 3, 0
    yield LOAD, 0, 0, ARG0_LOW_AT
    yield JUMP_EQUAL, 0, 1, AF_UNIX
    yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, verdict
