"""The system call rule: as a program, on a machine of its own; by libseccomp's numbers; as a profile."""

import ctypes
import errno
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.edge.services.engines import seccomp_bpf
from eyespot.edge.services.engines.refusal import refusal_of
from eyespot.edge.services.engines.seccomp import (
    AF_UNIX,
    CONDITIONAL,
    CONTAINERS_PROFILE,
    FORBIDDEN,
    NAMESPACE_FLAGS,
    podman_profile,
    refused_table,
    syscall_table,
)
from eyespot.kernel.errors import EyespotError, Kind

ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NUMBERS = {
    "x86_64": {"clone": 56, "socket": 41, "socketpair": 53},
    "aarch64": {"clone": 220, "socket": 198, "socketpair": 199},
}
ALLOW, KILL = seccomp_bpf.ALLOW, seccomp_bpf.KILL_PROCESS


def verdict(program: bytes, number: int, arch: int, arg0: int = 0) -> int:
    """What the kernel would do: an interpreter for the instructions of linux/filter.h that the program may use."""
    data = struct.pack("<iIQ6Q", number, arch, 0, arg0, 0, 0, 0, 0, 0)
    code = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    at, accumulator = 0, 0
    tests = {0x15: lambda a, k: a == k, 0x25: lambda a, k: a > k, 0x35: lambda a, k: a >= k, 0x45: lambda a, k: a & k}
    while True:
        operation, if_true, if_false, operand = code[at]
        at += 1
        if operation == 0x06:
            return int(operand)
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
        else:
            at += if_true if tests[operation](accumulator, operand) else if_false


def refused(code: int) -> int:
    return seccomp_bpf.ERRNO | code


@pytest.mark.parametrize("machine", ARCHES)
class TestProgram:
    def test_allows_the_table_and_nothing_else(self, machine: str) -> None:
        program, column = seccomp_bpf.program(machine), list(ARCHES).index(machine)
        allowed = {row[column] for row in syscall_table().values()} - {None}
        conditional = set(NUMBERS[machine].values())
        for number in range(600):
            if number in conditional:
                continue
            got = verdict(program, number, ARCHES[machine])
            if number in allowed:
                assert got == ALLOW, number
            elif number == seccomp_bpf.CLONE3 or number > seccomp_bpf.LAST_KNOWN:
                assert got == refused(errno.ENOSYS), number
            else:
                assert got == refused(errno.EPERM), number

    def test_makes_processes_and_threads_but_no_namespace(self, machine: str) -> None:
        program, clone = seccomp_bpf.program(machine), NUMBERS[machine]["clone"]
        threads = 0x3D0F00  # what pthread_create asks for
        assert (
            verdict(program, clone, ARCHES[machine], 17) == verdict(program, clone, ARCHES[machine], threads) == ALLOW
        )
        for bit in range(32):
            flags = 17 | 1 << bit
            expected = refused(errno.EPERM) if flags & NAMESPACE_FLAGS else ALLOW
            assert verdict(program, clone, ARCHES[machine], flags) == expected

    @pytest.mark.parametrize("name", ["socket", "socketpair"])
    def test_knows_unix_sockets_alone(self, machine: str, name: str) -> None:
        program, number = seccomp_bpf.program(machine), NUMBERS[machine][name]
        for family in range(64):
            got = verdict(program, number, ARCHES[machine], family)
            assert got == (ALLOW if family == AF_UNIX else refused(errno.EAFNOSUPPORT))
        assert verdict(program, number, ARCHES[machine], 1 << 32 | AF_UNIX) == refused(errno.EAFNOSUPPORT)

    def test_tells_what_it_would_refuse_and_nothing_else(self, machine: str) -> None:
        """But clone3, which glibc tries for every thread; and the listener's error is the one that it would give."""
        refusing, telling = (seccomp_bpf.program(machine, telling=telling) for telling in (False, True))
        flags = [1 << bit for bit in range(40)]
        for number, argument in [
            *((number, 0) for number in (*range(600), 0x40000001, -1)),
            *((NUMBERS[machine][name], argument) for name in NUMBERS[machine] for argument in (*range(50), *flags)),
        ]:
            before = verdict(refusing, number, ARCHES[machine], argument)
            now = verdict(telling, number, ARCHES[machine], argument)
            if before == ALLOW or number == seccomp_bpf.CLONE3:
                assert now == before
            else:
                assert now == seccomp_bpf.USER_NOTIF
                assert before == refused(refusal_of(machine, number, argument).error), number
        assert verdict(telling, 1, 0x40000003) == KILL

    def test_kills_what_speaks_for_another_machine(self, machine: str) -> None:
        program = seccomp_bpf.program(machine)
        assert verdict(program, 1, 0x40000003) == KILL  # i386

    def test_does_not_know_the_x32_doors(self, machine: str) -> None:
        assert verdict(seccomp_bpf.program(machine), 0x40000000 | 1, ARCHES[machine]) == refused(errno.ENOSYS)

    def test_numbers_are_libseccomps(self, machine: str) -> None:
        try:
            library = ctypes.CDLL("libseccomp.so.2")
        except OSError:
            pytest.skip("there is no libseccomp here to compare with")
        column = list(ARCHES).index(machine)
        for name, row in (syscall_table() | refused_table()).items():
            number = library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(ARCHES[machine]), name.encode())
            assert (number if number >= 0 else None) == row[column], name
        for name, number in {**NUMBERS[machine], "clone3": seccomp_bpf.CLONE3}.items():
            assert library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(ARCHES[machine]), name.encode()) == number


def test_an_unknown_machine_is_refused_not_left_open() -> None:
    for make in (seccomp_bpf.program, podman_profile):
        with pytest.raises(EyespotError) as caught:
            make("riscv64")
        assert caught.value.kind is Kind.INVALID


def test_the_table_holds_nothing_forbidden() -> None:
    assert set(syscall_table()) & (FORBIDDEN | CONDITIONAL | set(refused_table())) == set()
    assert FORBIDDEN - set(refused_table()) == {"umount", "socketcall"}, "those two have no number here"


@pytest.mark.parametrize(
    ("number", "argument", "kind"),
    [
        (101, 0, "ptrace"), (165, 7, "mount"), (41, 2, "socket(AF_INET)"), (53, 10, "socketpair(AF_INET6)"),
        (41, 1 << 32 | 1, "socket(no family)"), (41, 4000, "socket(another family)"),
        (56, 1 << 28, "clone(a namespace)"),
        (458, 0, "call 458"), (5000, 0, "a call newer than the filter"), (0x40000001, 0, "an x32 call"),
    ],
)  # fmt: skip
def test_a_refusal_has_a_name(number: int, argument: int, kind: str) -> None:
    assert refusal_of("x86_64", number, argument).kind == kind


def test_the_kernel_takes_the_program(tmp_path: Path) -> None:
    """Loaded into a child by seccomp(2) itself: Python goes on, threads start, and the network is gone."""
    (tmp_path / "program").write_bytes(seccomp_bpf.program(os.uname().machine))
    child = """
import ctypes, socket, sys, threading
class Filter(ctypes.Structure): _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]
code, libc = open(sys.argv[1], "rb").read(), ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.byref(Filter(len(code) // 8, code)), 0, 0) == 0, ctypes.get_errno()  # PR_SET_SECCOMP
thread = threading.Thread(target=print, args=("thread",)); thread.start(); thread.join()
socket.socket(socket.AF_UNIX).close()
try: socket.socket(socket.AF_INET)
except OSError as error: print(error.errno)
print(libc.unshare(0), ctypes.get_errno())
"""
    done = subprocess.run([sys.executable, "-c", child, str(tmp_path / "program")], capture_output=True, text=True)
    assert done.stdout.split() == ["thread", str(errno.EAFNOSUPPORT), "-1", str(errno.EPERM)], done.stderr


SMALL_PROFILE = {
    "syscalls": [
        {
            "action": "SCMP_ACT_ALLOW",
            "names": ["read", "unshare", "clone", "socket", "keyctl"],
            "args": [],
            "includes": {},
        },
        {"action": "SCMP_ACT_ALLOW", "names": ["bpf"], "args": [], "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"action": "SCMP_ACT_ALLOW", "names": ["arch_prctl"], "args": None, "includes": {"arches": ["amd64"]}},
        {"action": "SCMP_ACT_ALLOW", "names": ["sync_file_range2"], "args": None, "includes": {"arches": ["arm64"]}},
        {"action": "SCMP_ACT_ALLOW", "names": ["personality"], "args": [{"index": 0}], "includes": {}},
        {"action": "SCMP_ACT_ERRNO", "names": ["swapon"], "args": [], "includes": {}},
    ]
}


def test_podmans_profile_is_the_installed_one_less_what_is_forbidden(tmp_path: Path) -> None:
    installed = tmp_path / "seccomp.json"
    installed.write_text(json.dumps(SMALL_PROFILE))
    profile = podman_profile("x86_64", installed)
    allowed, clone, inet, pair, forbidden = profile["syscalls"]
    assert allowed["names"] == ["arch_prctl", "read"]
    assert clone["args"] == [{"index": 0, "value": NAMESPACE_FLAGS, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    assert inet["args"] == pair["args"] == [{"index": 0, "value": AF_UNIX, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]
    assert set(forbidden["names"]) == FORBIDDEN
    assert profile["archMap"] == [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}]
    assert "sync_file_range2" in podman_profile("aarch64", installed)["syscalls"][0]["names"]


def test_podmans_profile_tells_a_listener_what_it_refuses_by_name(tmp_path: Path) -> None:
    installed = tmp_path / "seccomp.json"
    installed.write_text(json.dumps(SMALL_PROFILE))
    profile = podman_profile("x86_64", installed, tmp_path / "refusals.sock")
    allowed, _, _, _, told, *conditional = profile["syscalls"]
    assert profile["listenerPath"] == str(tmp_path / "refusals.sock")
    assert (told["action"], told["args"]) == ("SCMP_ACT_NOTIFY", [])
    assert set(told["names"]) >= FORBIDDEN | {"swapon", "init_module"}
    assert set(told["names"]) & (set(allowed["names"]) | CONDITIONAL) == set()
    assert {(name, *rule["args"][0].values()) for rule in conditional for name in rule["names"]} == {
        ("socket", 0, AF_UNIX, 0, "SCMP_CMP_NE"), ("socketpair", 0, AF_UNIX, 0, "SCMP_CMP_NE"),
        *(("clone", 0, 1 << bit, 1 << bit, "SCMP_CMP_MASKED_EQ") for bit in range(32) if NAMESPACE_FLAGS & 1 << bit),
    }  # fmt: skip
    assert "listenerPath" not in podman_profile("x86_64", installed)


@pytest.mark.parametrize("text", ["", "[]", '{"syscalls": 3}', '{"syscalls": [{}]}'])
def test_a_profile_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "seccomp.json").write_text(text)
    with pytest.raises(EyespotError) as caught:
        podman_profile("x86_64", tmp_path / "seccomp.json")
    assert caught.value.kind is Kind.INVALID


@pytest.mark.skipif(not CONTAINERS_PROFILE.exists(), reason="containers-common is not installed")
def test_both_forms_allow_the_same() -> None:
    installed = set(podman_profile("x86_64")["syscalls"][0]["names"])
    ours = {name for name, row in syscall_table().items() if row[0] is not None}
    assert ours <= installed, "bubblewrap's table allows what containers-common does not"
