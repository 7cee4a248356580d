"""What a hostile service can try at its frames socket, and that everybody else notices nothing."""

import array
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from frames_rig import FPS, Rig, grant, running, until

from eyespot.contracts.frames_door import MAX_REQUEST_BYTES, Grants
from eyespot.edge.frames.door import ACCEPTS, MAX_CLIENTS
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.sdk.view_client import ViewClient

SMALL = {"width_px": 64, "height_px": 48, "pixels": "grey", "rate_hz": 60}
DOOR, HALL = {"name": "door", **SMALL}, {"name": "hall", "form": "metadata", "rate_hz": 60}


def connect(path: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.setblocking(False)
    peer.connect(str(path))
    return peer


async def answer(peer: socket.socket) -> dict[str, Any]:
    """The next datagram; empty at the end."""
    data = await asyncio.get_running_loop().sock_recv(peer, 8192)
    return json.loads(data) if data else {}


async def refusal(path: Path, request: bytes) -> dict[str, str]:
    """What the door says to ``request``, after which it hangs up."""
    with connect(path) as peer:
        peer.send(request)
        said = await answer(peer)
        assert await answer(peer) == {}
    error: dict[str, str] = said["error"]
    return error


async def client(path: Path, name: str = "door") -> ViewClient:
    return await asyncio.to_thread(ViewClient, path, name)


def to_the_end(reader: ViewClient) -> None:
    """Take what is left, until the connection's end is raised."""
    while True:
        reader.take()


async def still_served(rig: Rig, reader: ViewClient) -> None:
    """``reader``, who was there before, gets a new frame."""
    reader.take()
    before = reader.ring.newest
    while reader.ring.newest <= before + 2:
        await rig.play(1)
    await until(lambda: (frame := reader.take()) is not None and frame.seq > before)


@pytest.mark.parametrize(
    ("request_", "kind", "words"),
    [
        (b"garbage", "INVALID", "does not parse"),
        (b"\xff\xfe\0\0", "INVALID", "does not parse"),
        (b"[" * 1000, "INVALID", "does not parse"),
        (b"{}", "INVALID", "does not parse"),
        (b'{"v": 2, "view": "door"}', "INVALID", "does not parse"),
        (b'{"v": 1, "view": "door", "uid": 0}', "INVALID", "does not parse"),
        (b'{"v": 1, "view": ["door"]}', "INVALID", "does not parse"),
        (b'{"v": 1, "view": "' + b"d" * MAX_REQUEST_BYTES + b'"}', "INVALID", "more than 1024 bytes"),
        (b"x" * 60_000, "INVALID", "more than 1024 bytes"),
        (b'{"v": 1, "view": "attic"}', "NOT_FOUND", "No view of that name is granted to app"),
        (b'{"v": 1, "view": "../door"}', "NOT_FOUND", "No view of that name is granted to app"),
    ],
)
async def test_what_is_no_request_for_a_granted_view_is_refused_in_words(
    tmp_path: Path, request_: bytes, kind: str, words: str
) -> None:
    async with running(tmp_path) as rig:
        rig.grant(DOOR)
        error = await refusal(rig.door(), request_)
    assert error["kind"] == kind
    assert words in error["what"]
    assert error["todo"]


async def test_a_service_sees_its_own_views_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        two = {"app": grant(rig.door("app"), DOOR), "other": grant(rig.door("other"), HALL)}
        rig.host.apply(Grants(services=two))
        for service, foreign in (("app", "hall"), ("other", "door")):
            with pytest.raises(EyespotError, match="No view of that name is granted") as refused:
                await client(rig.door(service), foreign)
            assert refused.value.kind is Kind.NOT_FOUND


async def test_another_process_than_the_service_is_refused(tmp_path: Path) -> None:
    own = os.stat("/proc/self/ns/pid").st_ino
    async with running(tmp_path) as rig:
        rig.grant(DOOR, pid_namespace=own)
        (await client(rig.door())).close()
        rig.grant(DOOR, pid_namespace=own + 1)
        with pytest.raises(EyespotError, match="outside of the service") as refused:
            await client(rig.door())
        assert refused.value.kind is Kind.FORBIDDEN
        rig.grant(DOOR, uid=os.geteuid() + 1)
        with pytest.raises(EyespotError, match=f"User {os.geteuid()} may not see") as refused:
            await client(rig.door())
        assert refused.value.kind is Kind.FORBIDDEN
    assert not rig.door().exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make processes of other users")
async def test_the_socket_belongs_to_the_services_user(tmp_path: Path) -> None:
    """In a folder that everybody can enter, as a service's own is."""
    code = """
import socket, sys
peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
peer.connect(sys.argv[1])
peer.send(b'{"v": 1, "view": "door"}')
data, descriptors, _, _ = socket.recv_fds(peer, 8192, 1)
sys.exit(not descriptors)
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        door = Path(folder) / "frames.sock"
        async with running(tmp_path) as rig:
            rig.host.apply(Grants(services={"app": grant(door, DOOR, uid=54_321)}))
            for uid, status in ((54_321, 0), (54_322, 1), (0, 1)):
                command = ["/usr/bin/env", "python3", "-c", code, str(door)]
                child = await asyncio.to_thread(
                    subprocess.run, command, user=uid, group=uid, cwd="/", stderr=subprocess.DEVNULL, check=False
                )
                assert child.returncode == status


async def test_one_connection_is_one_request(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant(DOOR, HALL)
        rig.begin()
        good = await client(rig.door())
        with connect(rig.door()) as peer:
            peer.send(b'{"v": 1, "view": "hall"}')
            assert (await answer(peer))["slots"] == 4
            for _ in range(50):
                try:
                    peer.send(b'{"v": 1, "view": "door"}')
                except OSError:
                    break
            while (said := await answer(peer)) and "error" not in said:
                assert set(said) == {"seq", "slot"}
            assert "one view" in said["error"]["what"]
        await still_served(rig, good)
        good.close()


async def test_thousands_of_connections_harm_nobody(tmp_path: Path) -> None:
    """They are taken at a bounded rate, and no more than ``MAX_CLIENTS`` at once."""
    flood = """
import socket, sys
held = []
for number in range(int(sys.argv[2])):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.connect(sys.argv[1])
    held.append(peer)
    if number % 3:
        try:
            peer.send(b'{"v": 1, "view": "door"}')
        except OSError:
            pass
print("done", flush=True)
sys.stdin.read()
"""
    async with running(tmp_path) as rig:
        two = {"app": grant(rig.door("app"), DOOR), "other": grant(rig.door("other"), DOOR)}
        rig.host.apply(Grants(services=two))
        rig.begin(300)
        good = await client(rig.door("other"))
        command = sys.executable, "-c", flood, str(rig.door("app")), "100"
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=inherited_env())
        assert child.stdout is not None
        while not child.stdout.at_eof() and await child.stdout.readline() != b"done\n":
            pass
        await still_served(rig, good)
        await until(lambda: rig.host.status()["services"]["app"]["refused"] >= 100 - MAX_CLIENTS - ACCEPTS)
        assert rig.host.status()["services"]["app"]["clients"] <= MAX_CLIENTS
        child.kill()
        await child.wait()
        await until(lambda: rig.host.status()["services"]["app"]["clients"] == 0)
        again = await client(rig.door("app"))
        await still_served(rig, again)
        for one in (good, again):
            one.close()


async def test_who_never_reads_loses_ticks_and_holds_nobody_up(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant(DOOR)
        rig.begin(300)
        good = await client(rig.door())
        with connect(rig.door()) as deaf:
            deaf.send(b'{"v": 1, "view": "door"}')
            await answer(deaf)
            while not rig.host.status()["services"]["app"]["ticks_lost"]:
                await still_served(rig, good)
            waiting = 0
            while True:
                try:
                    waiting += bool(deaf.recv(8192))
                except BlockingIOError:
                    break
            assert 1 < waiting < 40, "what waits for it is bounded"
        good.close()


async def test_who_asks_for_nothing_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.frames.door.REQUEST_S", 0.05)
    async with running(tmp_path) as rig:
        rig.grant(DOOR)
        with connect(rig.door()) as silent:
            assert await answer(silent) == {}
        good = await client(rig.door())
        rig.begin()
        await asyncio.sleep(0.1)
        await still_served(rig, good)
        good.close()


async def test_descriptors_that_a_client_sends_along_are_not_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant(DOOR)
        before = len(os.listdir("/proc/self/fd"))
        with connect(rig.door()) as peer:
            rights = array.array("i", [peer.fileno()] * 16)
            peer.sendmsg([b'{"v": 1, "view": "door"}'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            assert (await answer(peer))["slots"] == 4
            held = rig.host.status()["services"]["app"]["clients"]
            assert held == 1
            # both ends of this connection and of the one to the packets; the ring's descriptor and its mapping's
            await until(lambda: rig.hub.status()["readers"])
            assert len(os.listdir("/proc/self/fd")) == before + 6


async def test_a_reader_that_dies_is_forgotten_and_nothing_is_decoded_for_it(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from eyespot.sdk.view_client import ViewClient
client = ViewClient(Path(sys.argv[1]), "door")
print("ready", flush=True)
time.sleep(3600)
"""
    async with running(tmp_path) as rig:
        rig.grant(DOOR)
        rig.begin()
        command = sys.executable, "-c", code, str(rig.door())
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=inherited_env())
        assert child.stdout is not None
        await child.stdout.readline()
        await until(lambda: rig.hub.status()["readers"])
        await rig.play(FPS)
        child.kill()
        await child.wait()
        await until(lambda: rig.host.status()["services"]["app"]["clients"] == 0)
        await until(lambda: not rig.hub.status()["readers"])
        assert rig.host.status()["streams"] == {}


async def test_a_reader_notices_when_the_frames_process_ends(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant(DOOR)
        rig.begin()
        good = await client(rig.door())
        await still_served(rig, good)
    with pytest.raises(EyespotError, match="Connect again") as gone:
        to_the_end(good)
    assert gone.value.kind is Kind.UNAVAILABLE
    assert good.ring.closed
    good.close()
    with pytest.raises(EyespotError, match="Nobody answers"):
        await client(rig.door())


async def test_a_view_that_is_taken_back_is_gone_for_who_had_it_and_anew_for_the_others(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        both = {service: grant(rig.door(service), DOOR) for service in ("app", "other")}
        rig.host.apply(Grants(services=both))
        rig.begin()
        bad, good = await client(rig.door("app")), await client(rig.door("other"))
        await still_served(rig, good)
        rig.host.apply(Grants(services={"other": both["other"]}))
        assert bad.ring.closed, "what it has mapped is written no more"
        last = bad.ring.newest
        with pytest.raises(EyespotError, match="hung up"):
            to_the_end(good)
        again = await client(rig.door("other"))
        await still_served(rig, again)
        assert bad.ring.newest == last
        with pytest.raises(EyespotError, match="Nobody answers"):
            await client(rig.door("app"))
        for one in (bad, good, again):
            one.close()
