"""An app that means harm: it tries what a confined service must not be able to do, and tells what worked.

One JSON line for each attempt; status 1 when one worked. Nothing but Python's library is needed. Run it confined only:
unconfined it would find everything open. What it shall reach for can be named by variables: HOSTILE_PORT (a TCP port of
the host that listens), HOSTILE_ABSTRACT (an abstract socket that listens), HOSTILE_FILES (files of the host or of
others, separated by colons). ``hog.py`` beside it uses things up.
"""

import errno
import json
import os
import resource
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import calls
import doors

Attempt = Callable[[], str]
"""Returns what it got, or nothing when it got nothing; ``OSError`` means that it was refused."""
ATTEMPTS: dict[str, Attempt] = {}
RUN = Path(os.environ.get("EYESPOT_RUN", "/run/eyespot"))
SCRATCH = Path(os.environ.get("TMPDIR", "/scratch"))


def attempt(function: Attempt) -> Attempt:
    ATTEMPTS[function.__name__] = function
    return function


# --- the network


def _connect(family: int, kind: int, address: object, protocol: int = 0) -> str:
    with socket.socket(family, kind, protocol) as door:
        door.settimeout(2)
        door.connect(address)
        return f"connected to {address}"


@attempt
def tcp_to_the_internet() -> str:
    return _connect(socket.AF_INET, socket.SOCK_STREAM, ("1.1.1.1", 443))


@attempt
def tcp_over_ipv6() -> str:
    return _connect(socket.AF_INET6, socket.SOCK_STREAM, ("2606:4700:4700::1111", 443))


@attempt
def cloud_metadata() -> str:
    return _connect(socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80))


@attempt
def service_of_the_host_on_loopback() -> str:
    return _connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", int(os.environ.get("HOSTILE_PORT", "22"))))


@attempt
def udp_to_a_name_server() -> str:
    return _connect(socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 53))


@attempt
def a_name_looked_up() -> str:
    return str(socket.getaddrinfo("example.com", 80))


@attempt
def raw_ip() -> str:
    return _connect(socket.AF_INET, socket.SOCK_RAW, ("127.0.0.1", 0), socket.IPPROTO_ICMP)


@attempt
def raw_frames() -> str:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300):
        return "a packet socket"


@attempt
def netlink() -> str:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0):
        return "a netlink socket"


@attempt
def vsock_to_the_hypervisor() -> str:
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM):
        return "a vsock socket"


@attempt
def a_socket_pair_that_is_not_unix() -> str:
    try:
        socket.socketpair(socket.AF_INET6, socket.SOCK_DGRAM)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
    return "the kernel looked at it"


@attempt
def an_abstract_socket_of_the_host() -> str:
    name = os.environ.get("HOSTILE_ABSTRACT", "/tmp/.X11-unix/X0")
    return _connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + name)


# --- files and sockets of others


def _reach(paths: list[str]) -> str:
    """The first of the paths that can be read, listed or connected to."""
    for path in paths:
        try:
            kind = os.stat(path).st_mode
            if stat.S_ISSOCK(kind):
                return _connect(socket.AF_UNIX, socket.SOCK_STREAM, path)
            got = os.listdir(path) if stat.S_ISDIR(kind) else [Path(path).read_bytes()[:20]]
        except (OSError, ValueError):
            continue
        if got:
            return f"{path}: {got[:3]}"
    return ""


def _wanted() -> list[str]:
    return [name for name in os.environ.get("HOSTILE_FILES", "").split(":") if name]


@attempt
def files_of_the_host_by_name() -> str:
    return _reach(
        ["/etc/shadow", "/root", "/home", "/var", "/mnt", "/boot", "/tmp", "/etc/machine-id", "/srv", *_wanted()]
    )


@attempt
def files_through_the_first_process() -> str:
    """In a container the first process is the service's own user, and its root the service's own: that is no escape."""
    if os.stat("/proc/1").st_uid == os.getuid() and os.path.samefile("/proc/1/root", "/"):
        return ""
    return _reach([f"/proc/1/{name}" for name in ("root", "cwd", "environ", "mem", "maps", "fd", "exe")])


@attempt
def files_through_other_processes() -> str:
    mine = os.getuid()
    others = [pid for pid in os.listdir("/proc") if pid.isdecimal() and os.stat(f"/proc/{pid}").st_uid != mine]
    return _reach([f"/proc/{pid}{where}" for pid in others for where in ("/root/etc/shadow", "/cwd", "/fd")])


@attempt
def processes_of_others() -> str:
    others = [pid for pid in os.listdir("/proc") if pid.isdecimal() and os.stat(f"/proc/{pid}").st_uid != os.getuid()]
    return f"sees {others}" if len(others) > 1 else ""  # one: the sandbox's own first process


@attempt
def files_through_links_in_scratch() -> str:
    links = []
    for number, target in enumerate(["/etc/shadow", "/proc/1/root/etc/shadow", "/", "../../../../root", *_wanted()]):
        link = SCRATCH / f"door{number}"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        links += [f"{link}/etc/shadow", f"{link}/root"] if target == "/" else [str(link)]
    return _reach(links)


@attempt
def files_through_links_in_the_code() -> str:
    return _reach([str(path) for path in Path(__file__).parent.iterdir() if path.is_symlink()])


@attempt
def sockets_of_others_by_path() -> str:
    tricks = ["..", "../..", "../../proc/1/root/run", "/run", "/var/run", "/run/dbus", "/run/user", "/run/containers"]
    seen = [str(path) for one in tricks for path in Path(RUN, one).glob("*") if path.is_socket()]
    return _reach([*seen, *[name for name in _wanted() if name.endswith(".sock")]])


@attempt
def links_made_hard() -> str:
    return next(
        (f"linked {name}" for name in ["/usr/bin/env", *_wanted()] if _made(os.link, name, SCRATCH / "hard")), ""
    )


@attempt
def writing_where_it_may_not() -> str:
    places = ["/", "/usr", "/etc", "/app", str(RUN), "/dev", "/proc/sys/kernel", "/eyespot/lib/eyespot", "/sys"]
    return next((f"wrote {place}" for place in places if _made(os.mkdir, f"{place}/hostile")), "")


@attempt
def replacing_a_socket() -> str:
    for path in RUN.iterdir():
        if _made(os.unlink, path) or _made(os.rename, path, RUN / "gone"):
            return f"removed {path}"
    return ""


@attempt
def settings_of_the_kernel() -> str:
    files = ["kernel/core_pattern", "kernel/hostname", "vm/overcommit_memory", "net/ipv4/ip_forward", "kernel/modprobe"]
    files = [f"/proc/sys/{name}" for name in files] + [
        "/proc/sysrq-trigger",
    ]
    return next((f"opened {name}" for name in files if _made(_open_close, name, os.O_WRONLY)), "")


@attempt
def a_better_place_when_memory_ends() -> str:
    Path("/proc/self/oom_score_adj").write_text("-500")
    return "lowered"


@attempt
def another_mapping_of_users() -> str:
    Path("/proc/self/setgroups").write_text("allow")
    Path("/proc/self/uid_map").write_text("0 0 1")
    return "mapped root"


def _made(act: Callable[..., object], *arguments: object) -> bool:
    try:
        act(*arguments)
    except OSError:
        return False
    return True


@attempt
def open_files_it_was_left() -> str:
    kinds = {
        fd: os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if _made(os.stat, f"/proc/self/fd/{fd}")
    }
    output = {fd for fd in ("1", "2") if kinds.get(fd, "").startswith("socket:")}
    return ", ".join(
        f"{fd}: {what}"
        for fd, what in kinds.items()
        if fd not in output and what != "/dev/null" and not what.startswith("pipe:")
    )


# --- devices


@attempt
def devices_made_by_itself() -> str:
    char, block = stat.S_IFCHR, stat.S_IFBLK
    nodes = {"mem": (char, 1, 1), "kmsg": (char, 1, 11), "disk": (block, 254, 0), "loop": (block, 7, 0)}
    for folder in (SCRATCH, Path("/dev/shm"), Path("/dev")):
        for name, (kind, major, minor) in nodes.items():
            node = folder / f"own-{name}"
            if _made(os.mknod, node, kind | 0o666, os.makedev(major, minor)) and _made(_open_close, node):
                return f"opened {node}"
    return ""


@attempt
def devices_of_the_host() -> str:
    fine = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
    devices = [path for path in Path("/dev").rglob("*") if path.is_char_device() or path.is_block_device()]
    others = [path for path in devices if path.name not in fine and path.parent.name != "pts"]
    return next((f"opened {path}" for path in others if not path.is_symlink() and _made(_open_close, path)), "")


def _open_close(path: Path | str, flags: int = os.O_RDWR) -> None:
    os.close(os.open(path, flags | os.O_NONBLOCK))


# --- rights


@attempt
def another_user() -> str:
    for change in (os.setuid, os.setgid, os.seteuid):
        if _made(change, 0):
            return f"{change.__name__}(0)"
    return "is root" if 0 in (os.getuid(), os.geteuid(), os.getgid()) else ""


@attempt
def groups_of_others() -> str:
    return "setgroups" if _made(os.setgroups, [0, 6, 44]) else ", ".join(map(str, set(os.getgroups()) - {os.getgid()}))


@attempt
def rights_it_should_lack() -> str:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    rights = [name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[name], 16)]
    lacking = (
        [] if (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2") else ["no_new_privs, seccomp"]
    )
    return f"has {rights + lacking}" if rights or lacking else ""


@attempt
def programs_that_give_rights() -> str:
    for name in ("/usr/bin/su", "/usr/bin/sudo", "/usr/bin/mount", "/usr/bin/newuidmap", "/usr/bin/passwd"):
        if _made(os.stat, name) and os.stat(name).st_mode & stat.S_ISUID:
            code = "import os; os.execv(os.sys.argv[1], [os.sys.argv[1], '--version'])"
            with subprocess.Popen([sys.executable, "-c", code, name], stdout=-3, stderr=-3) as child:
                time.sleep(0.05)
                users = _users_of(child.pid)
            if "0" in users:
                return f"{name} ran as root"
    return ""


def _users_of(pid: int) -> list[str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return []
    return next(line.split()[1:] for line in lines if line.startswith("Uid:"))


@attempt
def signals_to_others() -> str:
    others = [
        int(pid) for pid in os.listdir("/proc") if pid.isdecimal() and os.stat(f"/proc/{pid}").st_uid != os.getuid()
    ]
    return next((f"may signal {pid}" for pid in others if _made(os.kill, pid, 0)), "")


@attempt
def limits_raised() -> str:
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_CORE, resource.RLIMIT_MSGQUEUE):
        hard = resource.getrlimit(kind)[1]
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
        except (OSError, ValueError):
            continue
        return f"limit {kind} above {hard}"
    return ""


@attempt
def programs_from_its_storage() -> str:
    copy = SCRATCH / "true"
    shutil.copy("/proc/self/exe", copy)
    copy.chmod(0o755)
    return "ran" if subprocess.run([copy, "-c", ""], stderr=subprocess.DEVNULL).returncode == 0 else ""


def escape() -> None:
    ATTEMPTS.update(calls.attempts() | doors.attempts())
    escaped = 0
    for name, act in ATTEMPTS.items():
        try:
            got = act()
            answer = {"attempt": name, "worked": bool(got), "got": got}
        except OSError as error:
            answer = {"attempt": name, "worked": False, "got": errno.errorcode.get(error.errno or 0, str(error))}
        escaped += answer["worked"]
        print(json.dumps(answer), flush=True)
    sys.exit(1 if escaped else 0)


if __name__ == "__main__":
    escape()
