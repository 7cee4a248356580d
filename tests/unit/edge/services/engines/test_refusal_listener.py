"""What the kernel refuses is answered and counted: the launcher, the filter and the listener, without a sandbox."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from eyespot.edge.services.engines import refusal_listener, telling_launcher
from eyespot.edge.services.engines.notification import Notification, kernel_notifies, refuse
from eyespot.edge.services.engines.refusal_listener import RefusalListener
from eyespot.edge.services.engines.seccomp_bpf import program
from eyespot.kernel.clock import SystemClock

pytestmark = pytest.mark.skipif(not kernel_notifies(), reason="this kernel's filters notify nobody: Linux 5.0")
MACHINE = os.uname().machine
Started = tuple[asyncio.subprocess.Process, socket.socket]
TRY = """
import errno, socket
def attempt(family=2):
    try: socket.socket(family)
    except OSError as error: print(errno.errorcode[error.errno], flush=True)
"""


def launched(end: int, code: str) -> list[str]:
    return [sys.executable, "-I", "-S", telling_launcher.__file__, str(end), sys.executable, "-c", TRY + code]


@pytest.fixture
async def start() -> AsyncIterator[Callable[[str], Awaitable[Started]]]:
    """Start Python code under the filter: the process, and where its listener comes from."""
    made: list[Started] = []

    async def begin(code: str) -> Started:
        source, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for telling in (True, False):
            source.send(program(MACHINE, telling=telling))
        words = ["/usr/bin/setpriv", "--no-new-privs", "--", *launched(end.fileno(), code)]
        left = os.open("/dev/null", os.O_RDONLY)
        process = await asyncio.create_subprocess_exec(
            *words, pass_fds=[end.fileno(), left], stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        end.close()
        os.close(left)
        made.append((process, source))
        return process, source

    yield begin
    for process, source in made:
        source.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def said(process: asyncio.subprocess.Process) -> list[str]:
    return (await process.communicate(b""))[0].decode().split()


async def test_threads_and_children_are_answered_and_counted(start: Callable[[str], Awaitable[Started]]) -> None:
    process, source = await start("""
import ctypes, os, threading
attempt(); attempt(16)
thread = threading.Thread(target=attempt); thread.start(); thread.join()
if os.fork() == 0:
    attempt(); os._exit(0)
os.wait()
libc = ctypes.CDLL(None, use_errno=True)
print(libc.unshare(0x10000000), ctypes.get_errno(), flush=True)
print(sorted(os.listdir("/proc/self/fd")))
""")
    listener = RefusalListener(source, SystemClock(), MACHINE)
    words = await said(process)
    assert words[:6] == ["EAFNOSUPPORT"] * 4 + ["-1", str(errno.EPERM)]
    assert "".join(words[6:]) == "['0','1','2','3']", "it has none of the launcher's descriptors, nor others"
    found = listener.refusals()
    assert found.told
    assert found.by_call == {"socket(AF_INET)": 3, "socket(AF_NETLINK)": 1, "unshare": 1}
    listener.close()
    assert listener.refusals() == found


async def test_a_flood_waits_for_us_and_dies_at_once(
    start: Callable[[str], Awaitable[Started]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the bound it stands in its own call; nothing is answered meanwhile, and killing it takes no answer."""
    monkeypatch.setattr(refusal_listener, "AT_ONCE", 20.0)
    monkeypatch.setattr(refusal_listener, "ANSWERS_PER_S", 0.001)
    process, source = await start("""
import os, threading
os.fork()
for _ in range(3): threading.Thread(target=lambda: [attempt(2) for _ in iter(int, 1)]).start()
""")
    listener = RefusalListener(source, SystemClock(), MACHINE)
    while not listener.refusals().held_up:  # noqa: ASYNC110 - being held up gives no event
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert listener.refusals().by_call == {"socket(AF_INET)": 21}
    assert listener.refusals().held_up == 1
    os.killpg(process.pid, signal.SIGKILL)
    assert await process.wait() == -9
    listener.close()


async def test_without_a_listener_calls_fail(start: Callable[[str], Awaitable[Started]]) -> None:
    """As after the death of whoever listened."""
    process, source = await start("attempt()\nimport sys; sys.stdin.read()\nattempt()")
    listener = RefusalListener(source, SystemClock(), MACHINE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"EAFNOSUPPORT\n"
    listener.close()
    assert await said(process) == ["ENOSYS"]


async def test_where_the_kernel_gives_no_listener_its_filter_refuses_by_itself(
    start: Callable[[str], Awaitable[Started]], caplog: pytest.LogCaptureFixture
) -> None:
    """A second listener in one chain of filters is refused by the kernel: as in a container that has one already."""
    outside, source = await start(f"""
import os, socket
host, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
for code in ({program(MACHINE, telling=True)!r}, {program(MACHINE)!r}): host.send(code)
os.set_inheritable(end.fileno(), True)
words = {launched(0, "attempt()")!r}
words[4] = str(end.fileno())
if os.fork() == 0: os.execv(words[0], words)
print(host.recv(100).decode().split()[0], flush=True)
os.wait()
""")
    listener = RefusalListener(source, SystemClock(), MACHINE)
    assert sorted(await said(outside)) == ["EAFNOSUPPORT", "the"]
    assert listener.refusals().by_call == {}, "the inner filter answered, the listener was not asked"
    listener.close()

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.send(b"the kernel gives no listener (Device or resource busy)")
    untold = RefusalListener(ours, SystemClock(), MACHINE)
    untold.close()
    assert not untold.refusals().told
    assert "not counted: the kernel gives no listener" in caplog.text
    theirs.close()


async def test_nothing_is_started_without_a_filter() -> None:
    source, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for _ in range(2):
        source.send(b"\0" * 8)
    words = launched(end.fileno(), "print('started')")
    process = await asyncio.create_subprocess_exec(*words, pass_fds=[end.fileno()], stdout=PIPE, stderr=PIPE)
    end.close()
    out, told = await process.communicate()
    assert (process.returncode, out) == (telling_launcher.NOT_STARTED, b"")
    assert told.startswith(b"the system call filter cannot be installed")
    source.close()


def test_a_refusal_is_never_a_success() -> None:
    with pytest.raises(ValueError, match="needs an error"):
        refuse(-1, Notification(1, 1, 0), 0)


def test_an_old_kernel_notifies_nobody(tmp_path: Path) -> None:
    actions = tmp_path / "actions_avail"
    assert not kernel_notifies(actions)
    actions.write_text("kill_process kill_thread trap errno trace log allow\n")
    assert not kernel_notifies(actions)
    actions.write_text("kill_process kill_thread trap errno user_notif trace log allow\n")
    assert kernel_notifies(actions)
